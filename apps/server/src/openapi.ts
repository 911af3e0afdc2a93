// node apps/server/src/openapi.ts --write | --check
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { writeFileDurably } from '@groundcrew/kit';
import { createOpenApiDocument } from './platform/http/index.ts';
import { SERVER_VERSION } from './version.ts';

/** The committed document, for people and for clients in other languages. */
const PATH = fileURLToPath(new URL('../../../docs/openapi.json', import.meta.url));

/** What the committed document should hold. */
const makeText = async (): Promise<string> =>
  `${JSON.stringify(await createOpenApiDocument(SERVER_VERSION), null, 2)}\n`;

/** Whether the committed document is what the route table comes to. */
export async function isOpenApiUpToDate(): Promise<boolean> {
  const committed = await readFile(PATH, 'utf8').catch(() => '');
  return committed === (await makeText());
}

async function write(): Promise<string> {
  await writeFileDurably(PATH, await makeText(), 0o644);
  return `Wrote ${PATH}.`;
}

async function check(): Promise<string> {
  if (await isOpenApiUpToDate()) return 'docs/openapi.json is what the route table comes to.';
  process.exitCode = 1;
  return 'docs/openapi.json is not what the route table comes to. Run apps/server/src/openapi.ts --write and commit the result.';
}

if (import.meta.main) {
  const action = { '--check': check, '--write': write }[process.argv[2] ?? ''];
  if (action === undefined) throw new Error('Say --write or --check.');
  process.stdout.write(`${await action()}\n`);
}
