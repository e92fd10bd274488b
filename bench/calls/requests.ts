// The requests of a load: each in pieces, between which its number goes, so that no two at work have one id.
import type { Era } from '../../src/protocol/message.ts';
import { INITIALIZE, STATELESS } from '../../src/protocol/versions.ts';
import { openSession } from '../../test/fixtures/clients.ts';

type Headers = Readonly<Record<string, string>>;

export interface Request {
  readonly headers: Headers;
  /** Between them stands its number: once, or again as the token of its progress. */
  readonly body: readonly string[];
}

/** Numbers all have as many digits, so that every request of a load has one length. */
export const FIRST = 1_000_000;
const SESSIONS = 16;
const TEXT = 'Hello there, this is what makes a call of about three hundred bytes of it.';
const OWN = '"io.modelcontextprotocol/';
const STATELESS_META = `${OWN}protocolVersion":"${STATELESS}",${OWN}clientInfo":{"name":"bench","version":"1"},${OWN}clientCapabilities":{}`;

function bodyOf(era: Era, tool: string): string[] {
  const isStream = tool.startsWith('events');
  const meta = [isStream ? '"progressToken":\0' : '', era === '2026' ? STATELESS_META : ''].filter(Boolean);
  const params = `"name":"${tool}","arguments":{"text":"${TEXT}"},"_meta":{${meta.join()}}`;
  return `{"jsonrpc":"2.0","id":\0,"method":"tools/call","params":{${params}}}`.split('\0');
}

/** What clients of an era ask, in sessions of their own where the era has them. */
export async function requestsOf(url: string, era: Era, tool: string, own: Headers): Promise<Request[]> {
  const body = bodyOf(era, tool);
  const common = {
    ...own,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  if (era === '2026') {
    const mirrored = { 'mcp-protocol-version': STATELESS, 'mcp-method': 'tools/call', 'mcp-name': tool };
    return [{ headers: { ...common, ...mirrored }, body }];
  }
  const opened = Array.from({ length: SESSIONS }, () =>
    openSession(url, { headers: { ...own }, version: INITIALIZE[0] }),
  );
  return (await Promise.all(opened)).map((session) => ({ headers: { ...common, ...session.headers }, body }));
}

/** As they go over the wire. */
export function piecesOf(url: string, { headers, body }: Request): string[] {
  const { host, pathname } = new URL(url);
  const length = body.join(String(FIRST)).length;
  const lines = Object.entries({ host, ...headers, 'content-length': length });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return [`POST ${pathname} HTTP/1.1\r\n${head}\r\n${body[0]}`, ...body.slice(1)];
}

/** Makes one of them, and throws where it has no result: what fails fast would look well in a table. */
export async function tryOnce(url: string, { headers, body }: Request): Promise<void> {
  const answer = await fetch(url, { method: 'POST', headers, body: body.join(String(FIRST)) });
  const text = await answer.text();
  if (!answer.ok || !text.includes('"result":{') || !text.includes('"text":"xxx'))
    throw new Error(`${url} answers ${answer.status}: ${text.slice(0, 500)}`);
}
