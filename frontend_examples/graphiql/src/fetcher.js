import { getOperationAST, parse } from "graphql";
import { CloseCode, createClient } from "graphql-ws";

const ENDPOINT = "/graphql";
const UNAUTHORIZED_STATUS = 401;

export const NO_KEY =
  "Enter an API key to begin. “trenza demo” prints four (admin, operator, agent, viewer) " +
  "and an address that carries one.";
export const REFUSED =
  "The API key was refused: it is mistyped, expired or revoked. " +
  "“trenza demo” prints ready keys, “trenza keys create” makes a new one.";
const UNREACHABLE = "The server does not answer. Is it still running?";

const failure = (message) => ({ data: null, errors: [{ message }] });
const isRefusal = (event) =>
  event?.code === CloseCode.Forbidden || event?.code === CloseCode.Unauthorized;

/**
 * A fetcher for GraphiQL: queries and mutations by POST, subscriptions over one WebSocket, both
 * with the key. `onAccess` is told, whenever the server says so, whether it accepts the key.
 * `dispose` closes the WebSocket.
 */
export function createAccess(key, onAccess) {
  const authorization = `Bearer ${key}`;
  const socket = createClient({
    url: ENDPOINT,
    connectionParams: { authorization },
    shouldRetry: (event) => !isRefusal(event),
    on: { connected: () => onAccess(true) },
  });

  function subscribe(operation) {
    // GraphiQL drives an observable; its own adapter would show a stack for a refused key.
    return {
      subscribe(sink) {
        const error = (reason) => {
          if (isRefusal(reason)) onAccess(false);
          sink.next(socketFailure(reason));
          sink.complete();
        };
        const unsubscribe = socket.subscribe(operation, { ...sink, error });
        return { unsubscribe };
      },
    };
  }

  async function post(operation) {
    const headers = {
      accept: "application/graphql-response+json, application/json;q=0.9",
      authorization,
      "content-type": "application/json",
    };
    const body = JSON.stringify(operation);
    const response = await fetch(ENDPOINT, { method: "POST", headers, body }).catch(() => null);
    if (!response) return failure(UNREACHABLE);
    onAccess(response.status !== UNAUTHORIZED_STATUS);
    return response.status === UNAUTHORIZED_STATUS ? failure(REFUSED) : readAnswer(response);
  }

  function fetcher(request) {
    if (!key) return Promise.resolve(failure(NO_KEY));
    const { operation, kind } = settle(request);
    return kind === "subscription" ? subscribe(operation) : post(operation);
  }

  return { fetcher, dispose: () => socket.dispose() };
}

// GraphiQL learns the name of an operation a moment after its tab is opened. A name that the
// document does not hold is from the tab before and would be refused; the only operation is meant.
function settle(request) {
  try {
    const document = parse(request.query);
    const named = getOperationAST(document, request.operationName);
    const definition = named ?? getOperationAST(document);
    const operationName = definition?.name?.value ?? request.operationName;
    return { operation: { ...request, operationName }, kind: definition?.operation };
  } catch {
    // The server says where the syntax is wrong, in the way that it says everything.
    return { operation: request };
  }
}

async function readAnswer(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return failure(text || `${response.status} ${response.statusText}`);
  }
}

function socketFailure(reason) {
  if (Array.isArray(reason)) return { errors: reason };
  if (isRefusal(reason)) return failure(REFUSED);
  return failure(reason?.reason || UNREACHABLE);
}
