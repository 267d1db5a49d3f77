/**
 * Types of a package whose own code does not pass our checks, and of the file that it loads. Only
 * `scripts/types.ts` names this file.
 */

/** Path of a file that Bun puts into the binary. */
declare const path: string;
export default path;

export function getDefaultContext(): unknown;
export function instantiateNapiModule<Exports>(
  bytes: Uint8Array,
  options: object,
): Promise<{ readonly napiModule: { readonly exports: Exports } }>;
export class WASI {
  constructor(options: object);
}
