/** A credential, or where to get the present one before each try. */
export type TokenSource = string | (() => string | undefined | Promise<string | undefined>);

export const resolveToken = (token: TokenSource | undefined): string | undefined | Promise<string | undefined> =>
  typeof token === 'function' ? token() : token;
