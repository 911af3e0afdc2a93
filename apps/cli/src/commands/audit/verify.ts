import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { isEd25519Signature, sha256Hex } from '@groundcrew/kit';
import {
  AuditHeadAnswer,
  AuditLine,
  type AuditVerdict,
  type ChainCheckOptions,
  createChainCheck,
} from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { CliError, EXIT, usageError } from '../../cli-error.ts';
import { createCommand } from '../../command.ts';

interface VerifyOptions {
  file?: string;
  anchor?: string;
}
type Expected = Pick<ChainCheckOptions, 'anchor' | 'publicKey'>;

export const auditVerify = (cli: Cli): Command =>
  createCommand('verify', 'Check that the audit log is what was written; names the first row that does not fit', cli, [
    'audit verify',
    'audit verify --anchor anchor.json',
    'audit verify --file audit.ndjson --anchor 42:9f86d0…',
  ])
    .option('--file <file>', 'check an export, without a server')
    .option('--anchor <anchor>', 'a head that was kept: its file, or position:hash')
    .action(async ({ file, anchor }: VerifyOptions) => {
      const expected = anchor === undefined ? {} : await readAnchor(cli, anchor);
      const lines = file === undefined ? await openExport(cli) : createReadStream(resolve(cli.io.cwd, file));
      const verdict = await verifyLines(lines, expected);
      cli.print(verdict, () => describe(verdict));
      if (!verdict.intact) cli.exitWith(EXIT.failed);
    });

/** The lines themselves, and not the server's word on them. */
async function openExport(cli: Cli): Promise<Readable> {
  const client = await cli.client();
  return Readable.from((await client.call('exportAudit', { query: {} })).stream());
}

async function verifyLines(bytes: Readable, expected: Expected): Promise<AuditVerdict> {
  const check = createChainCheck({ sha256: sha256Hex, isSigned: isEd25519Signature, ...expected });
  let number = 0;
  for await (const text of createInterface({ input: bytes, crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    const line = parseLine(text);
    if (line === undefined) check.takeGarbage(number);
    else check.take(line);
  }
  return check.end();
}

function parseLine(text: string): AuditLine | undefined {
  try {
    return AuditLine.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function readAnchor(cli: Cli, text: string): Promise<Expected> {
  const short = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  if (short !== null) return { anchor: { position: Number(short[1]), hash: short[2] as string } };
  const kept = await readFile(resolve(cli.io.cwd, text), 'utf8').catch(() => {
    throw usageError(`${text} is neither a file nor a position and a hash such as 42:9f86d0….`);
  });
  const head = AuditHeadAnswer.safeParse(parseJson(kept));
  if (!head.success)
    throw new CliError(`${text} holds no head; make one with: ${cli.name} audit head --json > ${text}`, {
      code: 'usage',
    });
  const { position, hash, public_key: publicKey } = head.data;
  return { anchor: { position, hash }, publicKey };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describe({ intact, entries, removed, position, hash, problem }: AuditVerdict): string {
  if (!intact) return `The audit log does not fit: ${problem?.message}`;
  const gone = removed === 0 ? '' : ` ${removed} older ones were removed with a signed record.`;
  return `The audit log is intact: ${entries} entries up to ${position}:${hash}.${gone}`;
}
