// Each operation is a file, so that the tests execute what the explorer shows. Variables stand in a
// JSON file beside it; "{{now}}" in one becomes the moment at which the page was opened.
const documents = import.meta.glob("../operations/*.graphql", {
  query: "?raw",
  import: "default",
  eager: true,
});
const variables = import.meta.glob("../operations/*.json", {
  query: "?raw",
  import: "default",
  eager: true,
});

/** The tabs with which the explorer opens, in the order of the files' names. */
export const exampleTabs = Object.keys(documents)
  .sort()
  .map((path) => ({
    query: documents[path],
    variables: variables[path.replace(/\.graphql$/, ".json")]?.replaceAll(
      "{{now}}",
      new Date().toISOString(),
    ),
  }));
