/** Starts the reference server of the Model Context Protocol on the test's own runtime. */

import process from "node:process";
import { fileURLToPath } from "node:url";

const ENTRY = fileURLToPath(
  new URL(
    "../../../node_modules/@modelcontextprotocol/server-everything/dist/index.js",
    import.meta.url,
  ),
);

export function everythingProgram(transport: "stdio" | "streamableHttp") {
  const { execPath, env: { DENO_DIR }, versions } = process;
  return {
    command: execPath,
    args: [...versions.deno ? ["run", "--allow-all", "--quiet"] : [], ENTRY, transport],
    env: (DENO_DIR === undefined ? {} : { DENO_DIR }) as Record<string, string>,
  };
}
