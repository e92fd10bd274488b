// A process that an upstream over stdio is made of: hands lines between its pipes and the script, `bun relay.ts SOCKET`.
import { connect } from 'node:net';

const socket = connect(process.argv[2] ?? '');
let ended = false;
process.stdin.on('end', () => {
  ended = true;
});
process.stdin.pipe(socket);
socket.pipe(process.stdout);
// The script has let go before the gateway did: the server has crashed.
socket.on('close', () => process.exit(ended ? 0 : 1));
socket.on('error', () => process.exit(1));
