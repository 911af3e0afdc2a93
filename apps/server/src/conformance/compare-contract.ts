import type { CodeRow, Contract, MessageText } from './contract-file.ts';
import type { Noted } from './note-table.ts';

/** Where the contract and the route table disagree, as sentences; nothing when they agree. */
export function compareContract(contract: Contract, noted: Noted): string[] {
  return [
    ...findDoubled(contract),
    ...compareCalls(contract, noted),
    ...compareMessages(contract, noted),
    ...compareNames('The error code', contract.codes.map(formatCode), noted.codes.map(formatCode)),
    ...compareNames(
      'The WebSocket',
      contract.sockets.map(({ path }) => path),
      noted.sockets,
    ),
  ];
}

function findDoubled({ calls, messages, examples }: Contract): string[] {
  const names = [...calls.map(({ call }) => call), ...messages.map(({ name }) => name)];
  const doubled = names.filter((name, at) => names.indexOf(name) !== at);
  const known = new Set(calls.map(({ call }) => call));
  return [
    ...doubled.map((name) => `${name} stands twice in the contract.`),
    ...examples.filter(({ call }) => !known.has(call)).map(({ call }) => `The example of ${call} belongs to no call.`),
  ];
}

function compareCalls({ calls }: Contract, noted: Noted): string[] {
  const names = compareNames(
    'The call',
    calls.map(({ call }) => call),
    noted.calls.map(({ call }) => call),
  );
  const cells = calls.flatMap((said) => {
    const is = noted.calls.find(({ call }) => call === said.call);
    if (is === undefined) return [];
    return (['who', 'takes', 'answers'] as const)
      .filter((cell) => said[cell] !== is[cell])
      .map((cell) => `${said.call}: the contract says "${said[cell]}" under ${cell}, the server does "${is[cell]}".`);
  });
  return [...names, ...cells];
}

function compareMessages({ messages }: Contract, noted: Noted): string[] {
  const names = compareNames('The message', namesOf(messages), namesOf(noted.messages));
  const fields = messages.flatMap((said) => {
    const is = noted.messages.find(({ name }) => name === said.name);
    return is === undefined ? [] : compareFields(said, is);
  });
  return [...names, ...fields];
}

function compareFields(said: MessageText, is: MessageText): string[] {
  return [
    ...is.fields
      .filter((field) => !said.fields.includes(field))
      .map((field) => `${said.name}: the server has "${field}", which the contract does not say.`),
    ...said.fields
      .filter((field) => !is.fields.includes(field))
      .map((field) => `${said.name}: the contract says "${field}", which the server does not have.`),
  ];
}

const formatCode = ({ code, status }: CodeRow): string => `${code} (${status})`;
const namesOf = (messages: readonly MessageText[]): string[] => messages.map(({ name }) => name);

function compareNames(what: string, said: readonly string[], is: readonly string[]): string[] {
  return [
    ...is.filter((name) => !said.includes(name)).map((name) => `${what} ${name} is not in the contract.`),
    ...said.filter((name) => !is.includes(name)).map((name) => `${what} ${name} is not in the server.`),
  ];
}
