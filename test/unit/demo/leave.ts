// Run as a process by wire.test.ts: leaves calls running and streams open in a demo, and must end all the same.
import { createDemo } from '../../../src/demo/demo.ts';
import { json, messages, modern, modernHeaders, post, session, url } from '../../fixtures/raw.ts';

const demo = createDemo();
const slow = { name: 'slow_count', arguments: { to: 100, every_ms: 60_000 } };
const listen = { notifications: { resourceSubscriptions: ['demo://clock'] } };

const headers = await session(demo);
await post(demo, { jsonrpc: '2.0', id: 2, method: 'tools/call', params: slow }, headers);
await demo.fetch(new Request(url, { headers: { ...headers, accept: json.accept } }));
const method = 'subscriptions/listen';
const stream = await post(demo, modern(method, listen), modernHeaders(method));
await messages(stream).next();
void post(demo, modern('tools/call', slow), modernHeaders('tools/call', 'slow_count'));
console.log('left');
