// What child processes inherit of this process's environment: an allow-list, so that no key of the gateway leaks.

const EXACT: ReadonlySet<string> = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'TERM',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TMPDIR',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
]);

/** Names a Windows program needs to find its system; they come in any case there. */
const WINDOWS: ReadonlySet<string> = new Set([
  'SYSTEMROOT',
  'SYSTEMDRIVE',
  'WINDIR',
  'COMSPEC',
  'PATHEXT',
  'TEMP',
  'TMP',
  'PATH',
  'USERPROFILE',
  'USERNAME',
  'HOMEDRIVE',
  'HOMEPATH',
  'APPDATA',
  'LOCALAPPDATA',
  'PROGRAMDATA',
  'PROGRAMFILES',
  'PROGRAMFILES(X86)',
  'PROCESSOR_ARCHITECTURE',
  'NUMBER_OF_PROCESSORS',
]);

/** The allowed part of an environment. BUN_* changes what a Bun program does and is never passed on. */
export function childEnv(
  env: Readonly<Record<string, string | undefined>>,
  platform: string,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && isAllowed(name, platform)) kept[name] = value;
  }
  return kept;
}

function isAllowed(name: string, platform: string): boolean {
  if (platform === 'win32' && WINDOWS.has(name.toUpperCase())) return true;
  return EXACT.has(name) || name.startsWith('LC_') || name.startsWith('XDG_');
}
