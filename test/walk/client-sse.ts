// A client by hand over HTTP+SSE, the transport of 2024-11-05: a stream that says where to post, and brings everything.
import type { InProcess } from '../fixtures/in-process.ts';
import { type Answer, post, send } from '../fixtures/wire.ts';
import { OneWay } from './client-channel.ts';
import type { ClientWire, Session } from './client-http.ts';
import type { Json } from './eras.ts';
import type { Leg } from './leg.ts';

export async function sseWire({ url }: InProcess, _leg: Leg, session: Session): Promise<ClientWire> {
  const all = new OneWay();
  const headers = { ...session.headers, accept: 'text/event-stream' };
  const stream = await send(url.replace(/mcp$/, 'sse'), { method: 'GET', headers });
  const endpoint = new URL((await stream.data()) ?? '', url).href;
  const read = pump(stream, all);
  const write = async (body: Json): Promise<void> => {
    const { status } = await post(endpoint, body, session.headers);
    if (status !== 202) throw new Error(`a message was answered ${status}`);
  };
  return {
    inboxes: all.inboxes,
    request(body) {
      const sent = all.asks(body);
      void write(body).catch(() => sent.inbox.close());
      return sent;
    },
    say: write,
    standing: async () => all.outside,
    async end() {
      stream.drop();
      await read;
    },
  };
}

async function pump(stream: Answer, all: OneWay): Promise<void> {
  try {
    for (let data = await stream.data(); data !== undefined; data = await stream.data())
      if (data !== '') all.hears(data);
  } catch {
    // It was dropped.
  }
}
