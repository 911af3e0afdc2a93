import type { Answered } from './ask-for-tests.ts';
import type { Contract } from './contract-file.ts';

/** What is wrong with an answer as a refusal of this code; nothing when it is as the contract says. */
export function findRefusalMistakes(
  contract: Contract,
  { status, headers, text, json }: Answered,
  code: string,
): string[] {
  const row = contract.codes.find((said) => said.code === code);
  if (row === undefined) return [`The contract has no code ${code}.`];
  if (typeof json !== 'object' || json === null) return [`${status} without an error's body: ${text.slice(0, 200)}`];
  const { error, code: said, request_id, details: _details, ...more } = json as Record<string, unknown>;
  return [
    ...(said === code && String(status) === row.status
      ? []
      : [`${status} ${said} in place of ${row.status} ${code}: ${error}`]),
    ...(typeof error === 'string' && /^[A-Z"'/].*[.!]$/s.test(error) && error.length < 800
      ? []
      : [`No sentence: ${error}`]),
    ...(/\n\s+at |node_modules|\.ts:\d/.test(text) ? [`It shows its inside: ${text.slice(0, 300)}`] : []),
    ...(request_id === headers.get('x-request-id')
      ? []
      : [`The request id is ${request_id}, not that of X-Request-Id.`]),
    ...Object.keys(more).map((name) => `An error has no ${name}.`),
  ];
}

/** Which parts of a request `details` names, as they start. */
export const placesOf = ({ json }: Answered): string[] =>
  ((json as { details?: { path: string }[] } | undefined)?.details ?? []).map(({ path }) => path);
