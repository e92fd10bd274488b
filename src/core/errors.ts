// The catalogue of errors this gateway makes itself. Names and numbers never change meaning: clients, logs
// and docs/errors.md use them. An upstream's own JSON-RPC error is a result and passes as it came.

import { McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { JsonObject, JsonValue } from '../protocol/values.ts';

/** Whose fault: the caller's, a plugin's decision, the upstream's, ours. */
export type Fault = 'client' | 'denied' | 'upstream' | 'internal';

export interface ErrorEntry {
  /** JSON-RPC error code. Our own lie outside -32768…-32000 (2026-07-28 basic §Error Codes). */
  readonly code: number;
  /** HTTP status toward 2026-07-28 clients, and toward others while no JSON-RPC layer is reached. */
  readonly http: number;
  readonly fault: Fault;
  readonly title: string;
  readonly fix: string;
}

const entry = (code: number, http: number, fault: Fault, title: string, fix: string): ErrorEntry => ({
  code,
  http,
  fault,
  title,
  fix,
});

export const catalogue = {
  PARSE: entry(-32700, 400, 'client', 'The body is not JSON.', 'Send one JSON-RPC 2.0 message in UTF-8.'),
  INVALID_REQUEST: entry(
    -32600,
    400,
    'client',
    'The JSON is not one JSON-RPC 2.0 message, or it is ambiguous or beyond a limit.',
    'Send one object with "jsonrpc": "2.0"; no member twice; ids are strings or integers.',
  ),
  METHOD_UNKNOWN: entry(
    -32601,
    404,
    'client',
    'Nobody here answers this method in the protocol revision the client speaks.',
    'Check the method name, and that the upstream offers the capability.',
  ),
  PARAMS_INVALID: entry(
    -32602,
    200,
    'client',
    'The parameters name something that does not exist here, or lack something.',
    'List first; use the names as listed.',
  ),
  META_INVALID: entry(
    -32602,
    400,
    'client',
    'params._meta lacks what every 2026-07-28 request carries, or carries it in the wrong shape.',
    'Send io.modelcontextprotocol/protocolVersion and io.modelcontextprotocol/clientCapabilities.',
  ),
  STATE_INVALID: entry(
    -32602,
    200,
    'client',
    'The requestState is unknown, used, expired, altered or belongs to another caller or call.',
    'Make the call again without requestState.',
  ),
  HEADER_MISMATCH: entry(
    -32020,
    400,
    'client',
    'A header and the body disagree, or a header that must mirror the body is missing or malformed.',
    'Derive MCP-Protocol-Version, Mcp-Method, Mcp-Name and Mcp-Param-* from the body you send.',
  ),
  CAPABILITY_MISSING: entry(
    -32021,
    400,
    'client',
    'The call needs a capability that the client did not declare.',
    'Declare the capability named in data.requiredCapabilities, if the client has it.',
  ),
  VERSION_UNSUPPORTED: entry(
    -32022,
    400,
    'client',
    'The protocol revision is not spoken here.',
    'Use one of data.supported.',
  ),
  SESSION_REQUIRED: entry(
    -32600,
    400,
    'client',
    'The request belongs to a session and names none.',
    'Send initialize first and repeat the Mcp-Session-Id it answers with.',
  ),
  SESSION_UNKNOWN: entry(
    -32600,
    404,
    'client',
    'The session has ended, or never was, or is not yours.',
    'Send initialize without a session id; clients do this by themselves.',
  ),
  STREAM_TAKEN: entry(
    -32600,
    409,
    'client',
    'The session already has its standing GET stream.',
    'Close the first one; one stream per session.',
  ),
  STREAM_LOST: entry(
    -32603,
    400,
    'client',
    'Last-Event-ID names no stream of this session that can be resumed: it was given up, or never was.',
    'Make the call again if it may run twice. limits.resume_* say how much is kept, and how long.',
  ),
  ENDPOINT_UNKNOWN: entry(
    -32600,
    404,
    'client',
    'Nothing is served at this path.',
    'Use one of the URLs that `sluice status` shows.',
  ),
  HTTP_METHOD: entry(
    -32600,
    405,
    'client',
    'The HTTP method is not used by MCP, or not by the protocol revision the client speaks.',
    'Send messages with POST.',
  ),
  HOST_REFUSED: entry(
    -32600,
    403,
    'client',
    'The Host or Origin header is not one this listener answers to.',
    'Add the name to listeners[].http.hosts, or the origin to listeners[].http.origins.',
  ),
  NOT_ACCEPTABLE: entry(
    -32600,
    406,
    'client',
    'The Accept header leaves no form in which the answer could be given.',
    'Send Accept: application/json, text/event-stream.',
  ),
  MEDIA_TYPE: entry(
    -32600,
    415,
    'client',
    'The body is not declared as application/json, in UTF-8 and without a Content-Encoding.',
    'Send Content-Type: application/json, and the text as it is.',
  ),
  TOO_LARGE: entry(
    -32600,
    413,
    'client',
    'The body is larger than limits.body.',
    'Send less, or raise limits.body.',
  ),
  HEAD_TIMEOUT: entry(
    -32600,
    408,
    'client',
    'The head of a request did not arrive within limits.head.',
    'Send it faster, or raise the limit.',
  ),
  BODY_TIMEOUT: entry(
    -32600,
    408,
    'client',
    'The body did not arrive within limits.body_timeout, paused for limits.body_idle, or was slower than limits.body_rate.',
    'Send it faster, or raise the limit that the message names.',
  ),
  BUSY: entry(
    1503,
    503,
    'denied',
    'As many calls or streams are open as limits allow, or as many calls wait for one upstream.',
    'Try again after data.retryAfterMs; the operator may raise limits.in_flight, limits.streams, limits.sessions or upstreams.NAME.concurrency.',
  ),
  AUTH_UNAVAILABLE: entry(
    1505,
    503,
    'denied',
    'The credential of the caller cannot be checked for now.',
    'Try again after data.retryAfterMs; the log says what could not be reached or read.',
  ),
  AUDIT_UNAVAILABLE: entry(
    1509,
    503,
    'denied',
    'The call cannot be written into the audit log for now, and without that it is not made.',
    'Try again after data.retryAfterMs; the log says why the disk takes nothing. The operator may set `durability` of the entry `audit`.',
  ),
  SUBSCRIPTIONS_FULL: entry(
    1507,
    200,
    'denied',
    'The client watches as many resources as limits.subscriptions allows.',
    'Unsubscribe from some of them; the operator may raise limits.subscriptions.',
  ),
  CLIENT_SLOW: entry(
    1508,
    200,
    'denied',
    'The client took what came for it too slowly.',
    'Read what comes as it comes. The operator may raise timeouts.slow_client, which counts while others wait, or timeouts.stalled_client; data.timeout names which it was. More places (concurrency), or instances.per: session, keep callers apart.',
  ),
  UNAUTHENTICATED: entry(
    1401,
    401,
    'denied',
    'The caller did not prove who it is.',
    'Send the credential that this endpoint asks for.',
  ),
  // Told in the answer, not as a status: clients take a bare 403 for a failed login and hide the reason from the model.
  FORBIDDEN: entry(
    1403,
    200,
    'denied',
    'A plugin of the pipeline does not let this caller do this.',
    'Ask the operator; the log has the request id and the plugin.',
  ),
  // As a status: a client that can ask for more scopes does so on seeing it (2026-07-28 authorization).
  SCOPE_MISSING: entry(
    1412,
    403,
    'denied',
    'The credential of the caller is good, and not for this.',
    'Get one with the scopes in data.scopes.',
  ),
  RATE_LIMITED: entry(1429, 200, 'denied', 'The caller is over a limit.', 'Wait for data.retryAfterMs.'),
  TOOL_UNAPPROVED: entry(
    1411,
    200,
    'denied',
    'The definition of the tool is not the one that was approved, and the configuration blocks such tools.',
    'Look at `sluice pins diff`; approve with `sluice pins approve`, or in the pin file.',
  ),
  // 200: the JSON-RPC layer was reached, so the failure is told in it; a 5xx would carry no id for many clients.
  UPSTREAM_UNAVAILABLE: entry(
    -32603,
    200,
    'upstream',
    'The upstream could not be reached, died, closed before it answered, or is not called for now because of that.',
    'See `sluice status`, `sluice check --connect` and the log lines with data.requestId. With data.retryAfterMs call again then. data.reason names what is wrong with TLS, or says `address_refused` where a name leads where it must not.',
  ),
  UPSTREAM_TIMEOUT: entry(
    -32603,
    200,
    'upstream',
    'The upstream did not answer in time; the call was cancelled there.',
    'Raise upstreams.NAME.timeouts, or look at the upstream.',
  ),
  UPSTREAM_INVALID: entry(
    -32603,
    200,
    'upstream',
    'The upstream answered something that is not MCP, or more than limits allow.',
    'See the log line with data.requestId; it says what arrived.',
  ),
  UPSTREAM_REFUSED: entry(
    -32603,
    200,
    'upstream',
    'The upstream refused the credential of this gateway, or redirected.',
    'Check upstreams.NAME.url, headers and pipeline.',
  ),
  CREDENTIAL_UNAVAILABLE: entry(
    -32603,
    200,
    'upstream',
    'The gateway could not get the credential that the upstream wants.',
    'Look at the entry `credentials` of upstreams.NAME.pipeline and at its log line with data.requestId. data.reason says what went wrong; with data.retryAfterMs call again then.',
  ),
  CREDENTIAL_MISSING: entry(
    1413,
    200,
    'denied',
    'The upstream is called with a credential of the caller, and there is none for this caller.',
    'Ask the operator, who says in upstreams.NAME.pipeline which tenants and principals have one.',
  ),
  ANSWER_REFUSED: entry(
    -32603,
    200,
    'client',
    'The client declined, or could not be asked, what the upstream needs to go on.',
    'Use a client that supports elicitation, sampling or roots.',
  ),
  PLUGIN_FAILED: entry(
    -32603,
    500,
    'internal',
    'A plugin threw or took too long, so the call was refused.',
    'The log line with data.requestId has the plugin and the error.',
  ),
  CANCELLED: entry(-32603, 499, 'client', 'The caller cancelled the call.', 'Nothing to do.'),
  STOPPING: entry(
    1504,
    503,
    'internal',
    'The gateway is stopping.',
    'Call again; a replica or the next start answers.',
  ),
  INTERNAL: entry(
    -32603,
    500,
    'internal',
    'Something unexpected happened in the gateway.',
    'Report it with data.requestId and the log line of it.',
  ),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorName = keyof typeof catalogue;

/**
 * An error result from the catalogue.
 * @param detail one sentence for this case; the catalogue's title when absent
 * @param data further members of `error.data`; `data.code` is always the catalogue name. With `retryAfterMs` an
 *   upstream that is not even called is a 503 of our own; where the upstream said it, with a `status`, it is not.
 */
export function errorResult(name: ErrorName, detail?: string, data: JsonObject = {}): McpResult {
  const { code, http, title } = catalogue[name];
  const told = COMES_BACK.has(name) ? { retryAfterMs: RETRY_MS, ...data } : data;
  const error = { code, message: detail ?? title, data: { code: name, ...told } as JsonValue };
  const away = name === 'UPSTREAM_UNAVAILABLE' && 'retryAfterMs' in told && !('status' in told);
  const status = away ? 503 : http;
  const comesBack = status === 503 || name === 'RATE_LIMITED';
  return new McpResult(
    'error',
    RawObject.of(error),
    status,
    comesBack ? retryAfter(told.retryAfterMs) : undefined,
  );
}

/** Errors that say when to try again. */
const COMES_BACK: ReadonlySet<ErrorName> = new Set(['BUSY', 'AUTH_UNAVAILABLE', 'AUDIT_UNAVAILABLE']);

/** When one that was turned away may come back, where nothing better is known. */
const RETRY_MS = 1_000;

/** In whole seconds, and never sooner. */
function retryAfter(ms: JsonValue | undefined): McpResult['headers'] {
  if (typeof ms !== 'number') return undefined;
  return { 'retry-after': String(Math.ceil(ms / 1_000)) };
}

/** Thrown inside the gateway where a return would not reach; becomes `errorResult` at the nearest handler. */
export class GatewayError extends Error {
  constructor(
    readonly code: ErrorName,
    detail?: string,
    readonly data: JsonObject = {},
  ) {
    super(detail ?? catalogue[code].title);
  }

  get result(): McpResult {
    return errorResult(this.code, this.message, this.data);
  }
}

/** Whether a plugin kept a message from being sent: that says nothing of the upstream. */
export function isOfPlugin({ data }: GatewayError): boolean {
  return data.plugin !== undefined;
}

export function isFault(error: unknown): error is GatewayError {
  return error instanceof GatewayError;
}

/** The name under which an error is counted: one that an upstream made up must not become a label. */
export function errorLabel(code: string): string {
  return Object.hasOwn(catalogue, code) ? code : 'other';
}

/** The text of anything thrown. */
/** What an upstream failed with, as one of ours. */
export function asGatewayError(error: unknown): GatewayError {
  return error instanceof GatewayError ? error : new GatewayError('UPSTREAM_UNAVAILABLE', messageOf(error));
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
