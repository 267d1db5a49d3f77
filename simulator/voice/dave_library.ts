/**
 * Loads the library of end-to-end encryption for the people of the simulator. Its own loader starts
 * threads, which a call does not need.
 */

import type { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** The part of `@snazzah/davey` that a person uses. */
export interface DaveSession {
  readonly ready: boolean;
  reinit(version: number, userId: string, channelId: string): void;
  setExternalSender(bytes: Buffer): void;
  getSerializedKeyPackage(): Buffer;
  processProposals(
    operation: 0 | 1,
    proposals: Buffer,
    known: readonly string[],
  ): { readonly commit?: Buffer; readonly welcome?: Buffer } | null;
  processCommit(bytes: Buffer): void;
  processWelcome(bytes: Buffer): void;
  encryptOpus(frame: Buffer): Buffer;
  decrypt(userId: string, mediaType: 0, frame: Buffer): Buffer;
}

export interface DaveLibrary {
  readonly DAVESession: new (version: number, userId: string, channelId: string) => DaveSession;
}

const WASM = "@snazzah/davey-wasm32-wasi/davey.wasm32-wasi.wasm";
/** Not a literal, so that a compiled binary does not contain it: it lacks the file beside it, too. */
const RUNTIME: string = "@napi-rs/wasm-runtime";

/** Loads the installed package. */
export async function loadDaveLibrary(): Promise<DaveLibrary> {
  const { getDefaultContext, instantiateNapiModule, WASI } = await import(RUNTIME);
  const wasm = await readFile(createRequire(import.meta.url).resolve(WASM));
  const memory = new WebAssembly.Memory({ initial: 4_000, maximum: 65_536, shared: true });
  const { napiModule } = await instantiateNapiModule(wasm, {
    context: getDefaultContext(),
    asyncWorkPoolSize: 0,
    wasi: new WASI({ version: "preview1" }),
    onCreateWorker() {
      throw new Error("Cannot start a thread for end-to-end encryption: none is needed");
    },
    overwriteImports(imports: Record<string, object>) {
      imports["env"] = { ...imports["env"], ...imports["napi"], ...imports["emnapi"], memory };
      return imports;
    },
    beforeInit({ instance }: { readonly instance: WebAssembly.Instance }) {
      for (const [name, run] of Object.entries(instance.exports)) {
        if (name.startsWith("__napi_register__") && typeof run === "function") run();
      }
    },
  });
  return napiModule.exports;
}
