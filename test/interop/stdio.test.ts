// Clients of other SDKs, to which the gateway is a command that speaks over stdio.
import { testPairs } from './pairs.ts';

await testPairs('stdio');
