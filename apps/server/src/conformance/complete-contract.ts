import { type Contract, MESSAGE_FENCE, type MessageText, parseContract } from './contract-file.ts';
import type { Noted, NotedCall } from './note-table.ts';

const HEADER = '| Call | Who | Takes | Answers | What it does |';

/**
 * Adds to the contract what the server has beyond it: rows of calls, messages, and fields of messages. What is there already is
 * never changed or taken out: that a name the contract has given is gone from the server is for people to look at.
 */
export function completeContract(text: string, noted: Noted): string {
  const contract = parseContract(text);
  const missing = noted.calls.filter(({ call }) => contract.calls.every((said) => said.call !== call));
  const withCalls = addCodes(missing.reduce(addCall, text), contract, noted);
  return noted.messages.reduce((sum, message) => addMessage(sum, contract, message), withCalls);
}

function addCall(text: string, call: NotedCall): string {
  const heading = `### Calls: ${call.tag}`;
  const row = formatRow(call);
  if (!text.includes(`${heading}\n`)) {
    const section = `${heading}\n\n${HEADER}\n|---|---|---|---|---|\n${row}\n\n`;
    return insertBefore(text, '## Examples', section);
  }
  const [before = '', after = ''] = splitAt(text, text.indexOf(`${heading}\n`));
  const end = after.indexOf('\n\n', after.indexOf(HEADER));
  const [table = '', rest = ''] = splitAt(after, end);
  return `${before}${table}\n${row}${rest}`;
}

function addCodes(text: string, contract: Contract, noted: Noted): string {
  const missing = noted.codes.filter(({ code }) => contract.codes.every((said) => said.code !== code));
  const rows = missing.map(({ code, status, meaning }) => `| \`${code}\` | ${status} | ${meaning} |\n`);
  return insertBefore(text, '\n## WebSockets', rows.join(''));
}

const formatRow = ({ call, who, takes, answers, note }: NotedCall): string =>
  `| ${[call, who, takes, answers].map(quote).join(' | ')} | ${note.replaceAll('|', '\\|')} |`;
const quote = (cell: string): string => (cell === '' ? '' : `\`${cell.replaceAll('|', '\\|')}\``);

function addMessage(text: string, contract: Contract, message: MessageText): string {
  const said = contract.messages.find(({ name }) => name === message.name);
  if (said !== undefined) return addFields(text, said, message);
  const start = text.lastIndexOf(MESSAGE_FENCE);
  return insertBefore(text, '\n```', `\n\n${formatMessage(message)}`, start);
}

/** One line, or a line for each of several possibilities that have no room on it. */
function formatMessage({ name, fields, isAlias }: MessageText): string {
  if (!isAlias) return [name, ...fields.map((field) => `  ${field}`)].join('\n');
  const line = `${name} = ${fields[0]}`;
  return line.length <= 120 ? line : `${name} =\n  ${fields[0]?.replaceAll(/ or (?=\{|")/g, ' or\n  ')}`;
}

/** A field whose name is there already, but otherwise, is no missing one; of a closed list, one more value is. */
function addFields(text: string, said: MessageText, message: MessageText): string {
  const { fields, isAlias } = message;
  if (isAlias) return isLonger(said, message) ? replaceMessage(text, said, message) : text;
  const nameOf = (field: string) => field.split(/\??:/)[0];
  const known = new Set(said.fields.map(nameOf));
  const missing = fields.filter((field) => !known.has(nameOf(field)));
  if (missing.length === 0) return text;
  return replaceMessage(text, said, { ...said, fields: [...said.fields, ...missing] });
}

/** Whether everything that one says is among what the other says. */
function isLonger({ fields: [said = ''] }: MessageText, { fields: [is = ''] }: MessageText): boolean {
  const all = is.split(' or ');
  return said !== is && said.split(' or ').every((option) => all.includes(option));
}

function replaceMessage(text: string, said: MessageText, by: MessageText): string {
  const start = new RegExp(`^${said.name}( =.*)?$`, 'm').exec(text.slice(text.indexOf(MESSAGE_FENCE)));
  if (start === null) return text;
  const at = text.indexOf(MESSAGE_FENCE) + start.index;
  const end = Math.min(...['\n\n', '\n```'].map((mark) => text.indexOf(mark, at)).filter((index) => index !== -1));
  return text.slice(0, at) + formatMessage(by) + text.slice(end);
}

function insertBefore(text: string, mark: string, what: string, from = 0): string {
  const at = text.indexOf(mark, from);
  if (at === -1) throw new Error(`docs/contract.md has no "${mark.trim()}", before which something has to be added.`);
  return text.slice(0, at) + what + text.slice(at);
}

const splitAt = (text: string, at: number): [string, string] => [text.slice(0, at), text.slice(at)];
