// A client by hand on a pair of pipes.
import type { InProcess } from '../fixtures/in-process.ts';
import { OneWay } from './client-channel.ts';
import type { ClientWire } from './client-http.ts';
import type { Json } from './eras.ts';

export function stdioWire({ gateway }: InProcess): ClientWire {
  const all = new OneWay();
  const input = new TransformStream<Uint8Array, Uint8Array>();
  const writer = input.writable.getWriter();
  let ended = false;
  const encoder = new TextEncoder();
  const write = (body: Json): Promise<void> => writer.write(encoder.encode(`${JSON.stringify(body)}\n`));
  const served = gateway.serveStdio(input.readable, async (data) => {
    for (const line of String(data)
      .split('\n')
      .filter((each) => each !== ''))
      all.hears(line);
  });
  return {
    inboxes: all.inboxes,
    request(body) {
      const sent = all.asks(body);
      void write(body);
      return sent;
    },
    say: write,
    standing: async () => all.outside,
    async end() {
      if (!ended) await writer.close();
      ended = true;
      await served;
    },
  };
}
