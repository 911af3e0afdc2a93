import { ConnectionError } from '../api-error.ts';

const SENTENCES: Record<string, (host: string) => string> = {
  ECONNREFUSED: (host) => `Nothing listens at ${host}. Is the server running, and is the address right?`,
  ENOTFOUND: (host) => `There is no host "${host}". Check the address.`,
  EAI_AGAIN: (host) => `The name "${host}" cannot be looked up just now.`,
  EHOSTUNREACH: (host) => `There is no way to ${host} from here.`,
  ENETUNREACH: (host) => `There is no way to ${host} from here.`,
  ETIMEDOUT: (host) => `${host} does not answer.`,
  ECONNRESET: (host) => `${host} cut the connection.`,
  EPIPE: (host) => `${host} cut the connection.`,
};

/** The error of a call without an answer, as a sentence that names the far side. */
export function explainNoAnswer(error: unknown, url: string, maybeSent: boolean): ConnectionError {
  if (error instanceof ConnectionError) return error;
  const { host } = new URL(url);
  return new ConnectionError(sentenceOf(error, host), { maybeSent, cause: error });
}

function sentenceOf(error: unknown, host: string): string {
  // Several addresses of one name that all failed come as an AggregateError.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const { code = '', message = '' } = first instanceof Error ? (first as NodeJS.ErrnoException) : {};
  if (SENTENCES[code]) return SENTENCES[code](host);
  if (isCertificateTrouble(code))
    return `The certificate of ${host} is not trusted (${message}). Give its authority as ca_file.`;
  if (code === 'EPROTO') return `${host} does not speak TLS. Should the address begin with http://?`;
  return `No answer from ${host}: ${message || code || 'unknown trouble'}.`;
}

const isCertificateTrouble = (code: string): boolean =>
  /^(CERT_|ERR_TLS_CERT|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_)/.test(code);
