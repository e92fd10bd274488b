// Clients of other SDKs, reaching the gateway over Streamable HTTP.
import { testPairs } from './pairs.ts';

await testPairs('http');
