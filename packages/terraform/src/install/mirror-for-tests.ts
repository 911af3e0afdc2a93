import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as openpgp from 'openpgp';
import { onTestFinished } from 'vitest';
import type { Tool } from '../tool.ts';
import type { Platform } from './release-source.ts';

export const PLATFORM: Platform = { os: 'linux', arch: 'amd64' };

/** A throw-away signing key. */
export interface TestKey {
  publicKey: string;
  /** The same key as an edition that ends so many seconds after it was made. */
  ending(seconds: number): Promise<string>;
  /** The same key as an edition that revokes it. */
  revoked(): Promise<string>;
  sign(data: Uint8Array, date?: Date): Promise<Uint8Array>;
}

const userIDs = [{ name: 'Test', email: 'test@example.com' }];

export async function createTestKey(date = new Date()): Promise<TestKey> {
  const { privateKey, publicKey } = await openpgp.generateKey({ type: 'curve25519', userIDs, format: 'object', date });
  return {
    publicKey: publicKey.armor(),
    async ending(seconds) {
      const edition = await openpgp.reformatKey({
        privateKey,
        userIDs,
        keyExpirationTime: seconds,
        date,
        format: 'object',
      });
      return edition.publicKey.armor();
    },
    async revoked() {
      return (await openpgp.revokeKey({ key: privateKey, format: 'object' })).publicKey.armor();
    },
    async sign(data, signedAt = date) {
      const message = await openpgp.createMessage({ binary: data });
      return openpgp.sign({ message, signingKeys: privateKey, detached: true, format: 'binary', date: signedAt });
    },
  };
}

/** A shell script that answers `version -json`. */
export const fakeTool = (version: string, answer = JSON.stringify({ terraform_version: version })): string =>
  `#!/bin/sh\n[ "$1 $2" = "version -json" ] && echo '${answer}'\n`;

/** A zip archive with these files, executable. */
export function zipOf(files: Readonly<Record<string, string>>): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'gc-tf-zip-'));
  try {
    for (const [name, contents] of Object.entries(files)) {
      writeFileSync(join(dir, name), contents);
      chmodSync(join(dir, name), 0o755);
    }
    execFileSync('zip', ['-q', 'out.zip', ...Object.keys(files)], { cwd: dir });
    return readFileSync(join(dir, 'out.zip'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export interface Release {
  archive: Buffer;
  checksums: string;
  signature: Uint8Array;
}

/** A good release of a fake tool. */
export async function createRelease(tool: Tool, version: string, key: TestKey): Promise<Release> {
  const archive = zipOf({ [tool]: fakeTool(version), 'LICENSE.txt': 'none' });
  const checksums = checksumsOf(tool, version, archive);
  return { archive, checksums, signature: await key.sign(Buffer.from(checksums)) };
}

export const checksumsOf = (tool: Tool, version: string, archive: Buffer): string =>
  `${'0'.repeat(64)}  ${tool}_${version}_darwin_arm64.zip\n${createHash('sha256').update(archive).digest('hex')}  ${tool}_${version}_linux_amd64.zip\n`;

/** The paths of one release, as its publisher has them. */
export function pathsOf(
  tool: Tool,
  version: string,
  { archive, checksums, signature }: Release,
): Record<string, Buffer> {
  const folder = tool === 'tofu' ? `/v${version}` : `/terraform/${version}`;
  const sums = `${folder}/${tool}_${version}_SHA256SUMS`;
  return {
    [`${folder}/${tool}_${version}_linux_amd64.zip`]: archive,
    [sums]: Buffer.from(checksums),
    [`${sums}.${tool === 'tofu' ? 'gpgsig' : 'sig'}`]: Buffer.from(signature),
  };
}

export interface Mirror {
  url: string;
  /** Paths asked for, in order. */
  requests: string[];
}

/** Serves files on the loopback interface; `handle` may answer first by giving true. */
export async function startMirror(
  files: Readonly<Record<string, Buffer>>,
  handle: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
): Promise<Mirror> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    if (handle(request, response)) return;
    const body = files[request.url ?? ''];
    response.writeHead(body ? 200 : 404, body ? { 'content-length': body.length } : {}).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}
