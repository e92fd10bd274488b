#!/usr/bin/env bun
// The program: hands the built-in plugins to the command line. Nothing else imports plugins/.

import { auditLog, keyFile, plugins } from '../plugins/index.ts';
import { main } from './cli/main.ts';

await main({ plugins, keyFile, auditLog });
