// The public kit for testing plugins. Third parties know it as `sluice/testing`.

export type {
  Answer,
  Call,
  Json,
  LogLine,
  Note,
  Outcome,
  Running,
  ScriptedUpstream,
} from './testing/call.ts';
export { type Harness, type TestEntry, testPlugin } from './testing/harness.ts';
