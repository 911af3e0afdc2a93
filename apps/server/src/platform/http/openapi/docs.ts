import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { AppError } from '../app-error.ts';
import { createOpenApiDocument } from './document.ts';

/** What the page consists of besides itself, from the package that brings it; nothing comes from another host. */
const FILES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Groundcrew API</title>
<link rel="icon" type="image/png" href="/api/docs/favicon-32x32.png">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
`;
const START =
  "SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#docs', deepLinking: true, docExpansion: 'none', validatorUrl: null });\n";

/** Only what this server itself serves; the viewer sets styles on its elements and draws icons as data. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const DAY_SECONDS = 86_400;

/** `/api/openapi.json`, and a page at `/api/docs` to browse it with. Both cost nothing until they are asked for. */
export function addDocs(app: FastifyInstance, version: string): void {
  let document: Promise<string> | undefined;
  app.get('/api/openapi.json', async (_request, reply) => {
    document ??= createOpenApiDocument(version).then((made) => JSON.stringify(made));
    return reply.header('content-type', 'application/json; charset=utf-8').send(await document);
  });
  app.get('/api/docs', (_request, reply) => page(reply, 'text/html; charset=utf-8', PAGE));
  app.get('/api/docs/', (_request, reply) => page(reply, 'text/html; charset=utf-8', PAGE));
  app.get('/api/docs/start.js', (_request, reply) => page(reply, 'text/javascript; charset=utf-8', START));
  for (const [name, contentType] of Object.entries(FILES))
    app.get(`/api/docs/${name}`, (_request, reply) => file(reply, name, contentType));
}

const page = (reply: FastifyReply, contentType: string, text: string): FastifyReply =>
  reply.header('content-security-policy', POLICY).header('content-type', contentType).send(text);

async function file(reply: FastifyReply, name: string, contentType: string): Promise<FastifyReply> {
  const path = join(findAssets(), name);
  const { size } = await stat(path);
  reply.headers({ 'content-type': contentType, 'content-length': size, 'cache-control': `max-age=${DAY_SECONDS}` });
  return reply.send(createReadStream(path));
}

/** The package stays outside our bundles, so it is found the same way in both. */
function findAssets(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('@fastify/swagger-ui')), 'static');
  } catch (cause) {
    throw new AppError(
      'not_implemented',
      'This installation comes without the viewer for the documentation; /api/openapi.json has it as data.',
      undefined,
      { cause },
    );
  }
}
