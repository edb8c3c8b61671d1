import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const requirements = join(import.meta.dirname, 'requirements.txt');
/** Not the environment of the tests: they do not need what is big here. */
const environment = join(root, '.cache/bench');

/** Installs a Debian package for a program that is not there yet; why that failed, or `null`. */
export function installDebianPackage(name: string): string | null {
  if (has(name)) return null;
  if (process.getuid?.() !== 0 || !has('apt-get')) return `apt-get install ${name}, then again`;
  try {
    execFileSync('apt-get', ['update', '-qq'], { stdio: 'ignore' });
    const install = ['install', '-y', '-qq', '--no-install-recommends', name];
    execFileSync('apt-get', install, { stdio: 'ignore' });
  } catch {
    return `apt-get install ${name} failed`;
  }
  return has(name) ? null : `apt-get install ${name} brought no ${name}`;
}

/** Where a program of `requirements.txt` is once it is installed. */
export const pythonProgram = (name: string) => join(environment, 'bin', name);

/** Installs `requirements.txt` into an environment of its own; why that or the program fails, or `null`. */
export function installPythonProgram(name: string): string | null {
  const pip = pythonProgram('pip');
  try {
    if (!existsSync(pip)) execFileSync('python3', ['-m', 'venv', environment], { stdio: 'pipe' });
    const install = ['install', '--quiet', '--disable-pip-version-check', '-r', requirements];
    execFileSync(pip, install, { stdio: 'pipe' });
    execFileSync(pythonProgram(name), ['--version'], { stdio: 'pipe' });
    return null;
  } catch (error) {
    const said = error instanceof Error ? error.message.trim().split('\n') : [];
    return said.at(-1) ?? `pip install -r ${requirements} failed`;
  }
}

function has(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
