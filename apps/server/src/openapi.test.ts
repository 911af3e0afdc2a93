import { routes } from '@groundcrew/protocol';
import { describe, expect, test } from 'vitest';
import { isOpenApiUpToDate } from './openapi.ts';
import { createOpenApiDocument } from './platform/http/index.ts';

test('docs/openapi.json is what the route table comes to (else run apps/server/src/openapi.ts --write)', async () => {
  expect(await isOpenApiUpToDate()).toBe(true);
});

describe('the document', async () => {
  const document = await createOpenApiDocument('0.0.0');
  const operations = Object.values(document.paths).flatMap((path) =>
    Object.values(path as Record<string, { operationId: string; responses: object }>),
  );

  test('has every row of the table under its name, with its errors', () => {
    expect(operations.map(({ operationId }) => operationId).toSorted()).toEqual(Object.keys(routes).toSorted());
    for (const { responses } of operations) expect(responses).toHaveProperty('default');
  });

  test('refers to nothing that is not there', () => {
    const text = JSON.stringify(document);
    const names = [...text.matchAll(/#\/components\/schemas\/([^"]+)/g)].map(([, name]) => name as string);
    expect(names.filter((name) => !(name in document.components.schemas))).toEqual([]);
    expect(Object.keys(document.components.schemas).filter((name) => !names.includes(name))).toEqual([]);
  });

  test('lets a later version add fields', () =>
    expect(JSON.stringify(document)).not.toContain('"additionalProperties":false'));
});
