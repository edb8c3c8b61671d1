import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { link, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A tar file, and what the OCI image format wants to know of it. */
export type Layer = { readonly file: string; readonly digest: string; readonly size: number };

/** The part of an image's configuration that a Dockerfile sets. */
export type ImageSettings = {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  readonly User?: string;
};

export type Image = {
  readonly name: string;
  readonly settings: ImageSettings;
  readonly layers: readonly Layer[];
};

export type WrittenImage = {
  readonly name: string;
  readonly digest: string;
  readonly directory: string;
};

/**
 * A layer that `fill` puts into an empty directory. Its bytes depend on names, modes and contents only.
 * With a `key` it is made once for that key; without, each time.
 */
export async function makeLayer(
  out: string,
  name: string,
  key: string | null,
  fill: (directory: string) => Promise<void>,
): Promise<Layer> {
  await mkdir(join(out, 'layers'), { recursive: true });
  const file = join(out, 'layers', `${name}.tar`);
  const noteFile = `${file}.json`;
  const noted = await readNote(noteFile);
  if (key !== null && noted?.key === key && existsSync(file)) return { file, ...noted.layer };

  const directory = await mkdtemp(join(tmpdir(), 'headgate-layer-'));
  await fill(directory);
  const same = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  await execute('tar', [...same, '-C', directory, '-cf', `${file}.new`, '.']);
  await rename(`${file}.new`, file);
  await rm(directory, { recursive: true });

  const layer = { digest: await digestOf(file), size: (await stat(file)).size };
  await writeFile(noteFile, JSON.stringify({ key, layer }));
  return { file, ...layer };
}

type Note = { readonly key: string | null; readonly layer: Omit<Layer, 'file'> };

async function readNote(file: string): Promise<Note | null> {
  return existsSync(file) ? JSON.parse(await readFile(file, 'utf8')) : null;
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return `sha256:${hash.digest('hex')}`;
}

/** Writes an OCI image layout; its layers are links to the tar files. */
export async function writeImage(
  out: string,
  { name, settings, layers }: Image,
): Promise<WrittenImage> {
  const directory = join(out, name.replaceAll(/[/:]/g, '_'));
  await rm(directory, { recursive: true, force: true });
  const blobs = join(directory, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  for (const { file, digest } of layers) await link(file, join(blobs, hexOf(digest)));

  const platform = { architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux' };
  const diffIds = layers.map(({ digest }) => digest);
  const config = await writeBlob(blobs, {
    ...platform,
    config: settings,
    rootfs: { type: 'layers', diff_ids: diffIds },
  });
  const manifest = await writeBlob(blobs, {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: layers.map(({ digest, size }) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      digest,
      size,
    })),
  });
  const described = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    ...manifest,
    platform,
    annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
  };
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const index = JSON.stringify({ schemaVersion: 2, manifests: [described] });
  await writeFile(join(directory, 'index.json'), index);
  return { name, digest: manifest.digest, directory };
}

async function writeBlob(blobs: string, value: unknown) {
  const bytes = Buffer.from(JSON.stringify(value));
  const hex = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(blobs, hex), bytes);
  return { digest: `sha256:${hex}`, size: bytes.length };
}

function hexOf(digest: string): string {
  return digest.slice('sha256:'.length);
}
