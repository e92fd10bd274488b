// A client by hand: what it writes is on the wire as written, and what comes back is taken message by message.
import type { InProcess } from '../fixtures/in-process.ts';
import { type Answer, post, send } from '../fixtures/wire.ts';
import { type Json, STATELESS } from './eras.ts';
import { Inbox, type Message, messageOf } from './inbox.ts';
import type { Leg } from './leg.ts';

/** A request that is out, and what came for it. */
export interface Sent {
  readonly inbox: Inbox<Message>;
  /** Of HTTP; resolves with the head of the answer. */
  readonly head?: Promise<Answer>;
  /** Closes the answer's connection without a word. */
  drop?(): Promise<void>;
}

export interface ClientWire {
  request(body: Json): Sent;
  /** A message that gets no answer. */
  say(body: Json): Promise<void>;
  /** Where the session hears what belongs to no call. */
  standing(): Promise<Inbox<Message>>;
  /** Everything that was opened to read from. */
  readonly inboxes: readonly Inbox<Message>[];
  /** The client goes: its session is deleted, its pipe closed. */
  end(): Promise<void>;
}

/** What an HTTP client of either era writes beside the body. */
export interface Session {
  id?: string;
  version?: string;
  /** Beside what the revision asks for. */
  readonly headers?: Readonly<Record<string, string>>;
}

export function httpWire({ url }: InProcess, { client }: Leg, session: Session): ClientWire {
  const inboxes: Inbox<Message>[] = [];
  const open = (head: Promise<Answer>): Sent => {
    const inbox = new Inbox<Message>();
    inboxes.push(inbox);
    void head.then((answer) => pump(answer, inbox)).catch(() => inbox.close());
    return { inbox, head, drop: async () => (await head).drop() };
  };
  const headers = (body: Json) =>
    client === '2026' ? { ...session.headers, ...mirrors(body) } : sessionHeaders(session);
  return {
    inboxes,
    request: (body) => open(post(url, body, headers(body))),
    async say(body) {
      const answer = await post(url, body, headers(body));
      const said = await answer.text();
      if (answer.status !== 202 || said !== '')
        throw new Error(`a message without an answer was answered ${answer.status} ${said}`);
    },
    async standing() {
      const head = send(url, {
        method: 'GET',
        headers: { ...sessionHeaders(session), accept: 'text/event-stream' },
      });
      await head;
      return open(head).inbox;
    },
    async end() {
      if (session.id === undefined) return;
      const headers = sessionHeaders(session);
      delete session.id;
      await (await send(url, { method: 'DELETE', headers })).text();
    },
  };
}

async function pump(answer: Answer, inbox: Inbox<Message>): Promise<void> {
  if (answer.type.startsWith('text/event-stream')) {
    for (let data = await answer.data(); data !== undefined; data = await answer.data())
      if (data !== '') inbox.put(messageOf(data));
  } else {
    const body = await answer.text();
    if (body !== '') inbox.put(messageOf(body));
  }
  inbox.close();
}

function sessionHeaders({ id, version, headers }: Session): Record<string, string> {
  return {
    ...headers,
    ...(id !== undefined && { 'mcp-session-id': id }),
    ...(version !== undefined && { 'mcp-protocol-version': version }),
  };
}

const NAMED: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

/** The headers that mirror a body of 2026. */
export function mirrors(body: Json): Record<string, string> {
  const method = String(body.method);
  const name = (body.params as Json | undefined)?.[NAMED[method] ?? ''];
  return {
    'mcp-protocol-version': STATELESS,
    'mcp-method': method,
    ...(typeof name === 'string' && { 'mcp-name': headerValue(name) }),
  };
}

/** What a header cannot carry as it is goes in base64. */
export function headerValue(value: string): string {
  const plain = /^(?! )[ -~]*(?<! )$/.test(value) && !/^=\?base64\?.*\?=$/.test(value);
  return plain ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`;
}
