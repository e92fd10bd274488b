// What of a caller's headers may reach an upstream, by the word of those who send: callers that differ in it may be
// answered in different ways.

/** What is said of it. */
interface Sending {
  /** As `Hooks.passesOn`. */
  readonly passesOn?: readonly string[] | undefined;
}

/** Headers that are about the message or the call, or different each time; any other may tell callers apart. */
const OF_THE_MESSAGE =
  /^(?:accept|accept-(?:encoding|language)|connection|content-(?:digest|length|type)|dpop|host|keep-alive|last-event-id|mcp-.*|signature|signature-input|traceparent|tracestate|baggage|x-request-id|user-agent)$/;

/** Whether all of them say what they pass on; of others, anything may be. */
export function isSaid(senders: readonly Sending[]): boolean {
  return senders.every(({ passesOn }) => passesOn !== undefined);
}

/** The headers they may pass on, with their values: as one text, empty where there are none. */
export function passedOn(headers: Headers, senders: readonly Sending[]): string {
  if (senders.length === 0) return '';
  const names = isSaid(senders) ? new Set(senders.flatMap(({ passesOn = [] }) => passesOn)) : undefined;
  const told = [...headers].filter(([name]) => names?.has(name) ?? !OF_THE_MESSAGE.test(name));
  return told.length === 0 ? '' : JSON.stringify(told);
}
