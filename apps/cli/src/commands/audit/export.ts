import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { parseMoment } from '../../present/parse-moment.ts';

interface ExportOptions {
  since?: string;
  output?: string;
}

export const auditExport = (cli: Cli): Command =>
  createCommand('export', 'Write the audit log, one line of JSON each, so that it can be verified elsewhere', cli, [
    'audit export > audit.ndjson',
    'audit export --since 2026-11-01 --output november.ndjson',
  ])
    .option('--since <time>', 'from the first entry that is not older', parseMoment)
    .option('-o, --output <file>', 'write a file that only you can read')
    .action(async ({ since, output }: ExportOptions) => {
      const client = await cli.client();
      const answer = await client.call('exportAudit', { query: since === undefined ? {} : { since } });
      const bytes = Readable.from(answer.stream());
      if (output === undefined) {
        for await (const chunk of bytes) cli.io.stdout.write(chunk as Uint8Array);
        return;
      }
      const path = resolve(cli.io.cwd, output);
      await pipeline(bytes, createWriteStream(path, { mode: 0o600, flush: true }));
      cli.note(`Wrote ${output}. Check it with: ${cli.name} audit verify --file ${output}`);
    });
