// The built-in plugins by the name gateway.yaml knows them under.

import type { AnyPlugin } from '../src/plugin.ts';
import audit from './audit.ts';
import auth from './auth.ts';
import credentials from './credentials.ts';
import progress from './progress.ts';
import ratelimit from './ratelimit.ts';
import signing from './signing.ts';

export const plugins: Record<string, AnyPlugin> = { audit, auth, credentials, progress, ratelimit, signing };

export { auditLog } from './audit/tools/audit-log.ts';
export { keyFile } from './auth/key-file-tools.ts';
