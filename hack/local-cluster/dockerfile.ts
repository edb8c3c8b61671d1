import type { ImageSettings } from './oci-image.ts';

/**
 * What one stage of a Dockerfile sets beside its files, inherited from the stages it is made from: images
 * that are assembled without an engine start as those that an engine builds.
 */
export function settingsOf(dockerfile: string, stage: string): ImageSettings {
  const [head = '', ...lines] = stageLines(dockerfile, stage);
  const parent = head.split(/\s+/)[1] ?? '';
  const isStage = new RegExp(`^FROM .* AS ${parent}$`, 'm').test(dockerfile);
  const inherited = isStage ? settingsOf(dockerfile, parent) : {};
  return lines.reduce<ImageSettings>(withInstruction, inherited);
}

/** The instructions of a stage, each on one line, `FROM` first. */
function stageLines(dockerfile: string, stage: string): readonly string[] {
  const lines = dockerfile
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n');
  const start = lines.findIndex(
    (line) => line.startsWith('FROM ') && line.endsWith(` AS ${stage}`),
  );
  if (start === -1) throw new Error(`the Dockerfile has no stage ${stage}`);
  const length = lines.slice(start + 1).findIndex((line) => line.startsWith('FROM '));
  return length === -1 ? lines.slice(start) : lines.slice(start, start + 1 + length);
}

function withInstruction(settings: ImageSettings, line: string): ImageSettings {
  const [, instruction = '', value = ''] = line.match(/^(\S+)\s+(.*)$/) ?? [];
  switch (instruction) {
    case 'ENTRYPOINT':
      return { ...settings, Entrypoint: JSON.parse(value) };
    case 'CMD':
      return { ...settings, Cmd: JSON.parse(value) };
    case 'ENV':
      return { ...settings, Env: [...(settings.Env ?? []), ...value.split(/\s+/)] };
    case 'USER':
      return { ...settings, User: value };
    case 'WORKDIR':
      return { ...settings, WorkingDir: value };
    default:
      return settings;
  }
}
