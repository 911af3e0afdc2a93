import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { readFileIfExists } from '@groundcrew/kit';
import { extract, pack } from 'tar-stream';

/** Names inside the bundle. */
const PLAN = 'plan';
const LOCK = '.terraform.lock.hcl';

export interface BundlePaths {
  /** The plan file. */
  plan: string;
  /** Folder that Terraform runs in; the lock file lies there, if the configuration needs providers at all. */
  cwd: string;
  bundle: string;
}

/** What names a bundle and the plan in it. */
export interface PackedPlan {
  size: number;
  /** SHA-256 of the bundle. */
  checksum: string;
  /** SHA-256 of the plan file: what an approval is bound to. */
  planChecksum: string;
}

/** Packs the plan file with the lock file of the providers it was made with. The same plan packs to the same bytes. */
export async function packPlan({ plan, cwd, bundle }: BundlePaths): Promise<PackedPlan> {
  const planBytes = await readFile(plan);
  const lockBytes = await readFileIfExists(join(cwd, LOCK));
  const tar = pack();
  const mtime = new Date(0);
  tar.entry({ name: PLAN, mtime, mode: 0o600 }, planBytes);
  if (lockBytes !== undefined) tar.entry({ name: LOCK, mtime, mode: 0o600 }, lockBytes);
  tar.finalize();
  await pipeline(tar as unknown as AsyncIterable<Buffer>, createWriteStream(bundle, { mode: 0o600 }));
  const [checksum, { size }] = await Promise.all([fileChecksum(bundle), stat(bundle)]);
  return { size, checksum, planChecksum: createHash('sha256').update(planBytes).digest('hex') };
}

/** Unpacks a bundle into place; gives the plan's checksum. Anything in it but the two files is not ours and is an error. */
export async function unpackPlan({ plan, cwd, bundle }: BundlePaths): Promise<string> {
  const entries = extract();
  const reading = pipeline(createReadStream(bundle), entries as unknown as NodeJS.WritableStream);
  reading.catch(() => {});
  for await (const entry of entries as unknown as AsyncIterable<
    AsyncIterable<Uint8Array> & { header: { name: string } }
  >) {
    const { name } = entry.header;
    if (name !== PLAN && name !== LOCK)
      throw new Error(`the stored plan holds something unknown, ${JSON.stringify(name)}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk);
    await writeFile(name === PLAN ? plan : join(cwd, LOCK), Buffer.concat(chunks), { mode: 0o600 });
  }
  await reading;
  return fileChecksum(plan);
}

/** SHA-256 of a file's bytes in lower-case hex. */
export async function fileChecksum(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
