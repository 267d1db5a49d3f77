/**
 * Loads the library of end-to-end encryption, which is WebAssembly, without its own loader: that needs
 * `node:wasi` and threads, which a compiled binary lacks.
 */

import { readFileSync } from "node:fs";
import { getDefaultContext, instantiateNapiModule, WASI } from "@napi-rs/wasm-runtime";
import type { DaveSession } from "./dave.ts";

interface Davey {
  readonly DAVESession: new (version: number, userId: string, channelId: string) => DaveSession;
}

/** Pages of 64 kB that the library wants at least; the system gives memory only to those in use. */
const PAGES = { initial: 979, maximum: 65536, shared: true };

type Imports = Record<string, Record<string, unknown>>;

export async function loadDavey(): Promise<Davey> {
  const file = await import("@snazzah/davey-wasm32-wasi/davey.wasm32-wasi.wasm", {
    with: { type: "file" }, // Bun puts the file into the binary; Deno knows no such import
  }).then(
    ({ default: path }) => path,
    () => import.meta.resolve("@snazzah/davey-wasm32-wasi/davey.wasm32-wasi.wasm"),
  );
  const memory = new WebAssembly.Memory(PAGES);
  const { napiModule } = await instantiateNapiModule<Davey>(
    readFileSync(new URL(file, import.meta.url)),
    {
      context: getDefaultContext(),
      asyncWorkPoolSize: 0,
      wasi: new WASI({ version: "preview1" }),
      overwriteImports(imports: Imports): Imports {
        imports["env"] = { ...imports["env"], ...imports["napi"], ...imports["emnapi"], memory };
        return imports;
      },
      beforeInit({ instance }: { readonly instance: WebAssembly.Instance }): void {
        for (const [name, register] of Object.entries(instance.exports)) {
          if (name.startsWith("__napi_register__") && typeof register === "function") register();
        }
      },
    },
  );
  return napiModule.exports;
}
