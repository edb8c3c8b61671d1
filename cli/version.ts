import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { isRecord } from '../contracts/json.ts';

/** `0.1.0`, from package.json. */
export function readVersion(): string {
  const packageJson: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  return isRecord(packageJson) ? String(packageJson['version']) : 'unknown';
}

export function versionCommand(): Command {
  return new Command('version')
    .description('Print the versions of Headgate and of the Node it runs on.')
    .action(() => {
      process.stdout.write(`headgate ${readVersion()} (node ${process.version})\n`);
    });
}
