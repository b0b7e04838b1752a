import { DOC_EXPLORER_PLUGIN } from "@graphiql/plugin-doc-explorer";
import { useMonaco } from "@graphiql/react";
import { GraphiQL } from "graphiql";
import { useEffect, useMemo, useState } from "react";
import braid from "./braid.svg";
import { exampleTabs } from "./examples.js";
import { createAccess, NO_KEY, REFUSED } from "./fetcher.js";
import { keepKey, takeKey } from "./key.js";
import { explorerStorage } from "./storage.js";

/** GraphiQL below a header with the key field; a new key reads the schema again. */
export function App() {
  const [key, setKey] = useState(takeKey);
  const [accepted, setAccepted] = useState(true);
  const access = useMemo(() => createAccess(key, setAccepted), [key]);
  const hasEditor = useEditor();

  useEffect(() => access.dispose, [access]);
  useEffect(() => setAccepted(true), [key]);
  useEffect(() => {
    const useFragment = () => setKey(takeKey());
    addEventListener("hashchange", useFragment);
    return () => removeEventListener("hashchange", useFragment);
  }, []);

  const refused = Boolean(key) && !accepted;
  return (
    <>
      <Header apiKey={key} refused={refused} onKey={(text) => setKey(keepKey(text))} />
      {hasEditor && (
        <GraphiQL
          fetcher={access.fetcher}
          schema={key ? undefined : null}
          storage={explorerStorage}
          defaultTabs={exampleTabs}
          visiblePlugin={DOC_EXPLORER_PLUGIN}
          defaultEditorToolsVisibility="variables"
          isHeadersEditorEnabled={false}
          showPersistHeadersSettings={false}
          shouldPersistHeaders={false}
        >
          <GraphiQL.Logo>
            <span />
          </GraphiQL.Logo>
        </GraphiQL>
      )}
    </>
  );
}

// GraphiQL shows its tabs before its editor is loaded, and a tab chosen by then would not reach it.
function useEditor() {
  const { initialize } = useMonaco((store) => store.actions);
  useEffect(() => void initialize({}), [initialize]);
  return useMonaco((store) => Boolean(store.monaco));
}

function Header({ apiKey, refused, onKey }) {
  const [visible, setVisible] = useState(false);

  function submit(event) {
    event.preventDefault();
    onKey(event.currentTarget.elements.key.value);
  }

  return (
    <header className="trenza-header">
      <img src={braid} alt="" width="26" height="26" />
      <h1>Trenza</h1>
      <span className="trenza-subtitle">GraphQL explorer</span>
      <div role="status">
        {!apiKey && <p className="trenza-hint">{NO_KEY}</p>}
        {refused && <p className="trenza-hint trenza-refused">{REFUSED}</p>}
      </div>
      <form className="trenza-key" onSubmit={submit}>
        <label htmlFor="key">API key</label>
        <input
          key={apiKey}
          id="key"
          name="key"
          type={visible ? "text" : "password"}
          defaultValue={apiKey}
          placeholder="trz_…"
          autoComplete="off"
          spellCheck={false}
          aria-invalid={refused}
          onBlur={(event) => onKey(event.currentTarget.value)}
        />
        <button type="button" aria-pressed={visible} onClick={() => setVisible(!visible)}>
          {visible ? "Hide" : "Show"}
        </button>
      </form>
      <a href="/examples/live_balance/">Live balance</a>
    </header>
  );
}
