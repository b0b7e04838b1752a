// The API key lives in this tab alone: it comes by the URL's fragment, which no server ever sees,
// or from the field, and is kept in the tab's session storage under the name that every example uses.
const STORAGE_NAME = "trenza.key";

/** The key that the address bar brings (which then forgets it), or the one kept from before. */
export function takeKey() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key === null) return sessionStorage.getItem(STORAGE_NAME) ?? "";
  history.replaceState(history.state, "", location.pathname + location.search);
  return keepKey(key);
}

/** Keeps the key for this tab; an empty one is forgotten. Answers the key without its blanks. */
export function keepKey(text) {
  const key = text.trim();
  if (key) sessionStorage.setItem(STORAGE_NAME, key);
  else sessionStorage.removeItem(STORAGE_NAME);
  return key;
}
