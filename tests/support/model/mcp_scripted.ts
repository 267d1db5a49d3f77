/**
 * A small server of the Model Context Protocol, without a library: it
 * tells about the files and processes that it sees.
 *
 * Run it with the description of its tool as argument.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export function scriptedProgram(description: string) {
  const { execPath, env: { DENO_DIR }, versions } = process;
  const entry = fileURLToPath(import.meta.url);
  return {
    command: execPath,
    args: [...versions.deno ? ["run", "-A", "--no-check", "-q"] : [], entry, description],
    env: (DENO_DIR === undefined ? {} : { DENO_DIR }) as Record<string, string>,
  };
}

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

function send(message: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
}

function attempt(run: () => unknown): string {
  try {
    return String(run());
  } catch (error) {
    return `failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Tools that the server lists. */
const tools = ["look"];

/**
 * Reads `read <path>`, `write <path>`, `processes`, `cwd`, `home`, `grow <tool>` to have one tool more,
 * or `die` to end at once.
 */
function look(what: string): string {
  const [verb, path = ""] = what.split(" ");
  switch (verb) {
    case "read":
      return attempt(() => readFileSync(path, "utf8"));
    case "write":
      return attempt(() => writeFileSync(path, "x") ?? "written");
    case "processes":
      return attempt(() => readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length);
    case "grow":
      tools.push(path);
      send({ method: "notifications/tools/list_changed" });
      return `${tools.length}`;
    case "die":
      return process.exit(1);
    case "cwd":
      return process.cwd();
    default:
      return process.env["HOME"] ?? "";
  }
}

function serve(description: string): void {
  const text = (id: unknown, words: string) =>
    send({ id, result: { content: [{ type: "text", text: words }] } });
  createInterface({ input: process.stdin }).on("line", (line) => {
    const { id, method, params }: Message = JSON.parse(line);
    const input = Object(params?.["arguments"]);
    switch (method) {
      case "initialize":
        return send({
          id,
          result: {
            protocolVersion: params?.["protocolVersion"],
            capabilities: { tools: { listChanged: true } },
            serverInfo: { name: "scripted", version: "1" },
          },
        });
      case "tools/list": {
        const inputSchema = { type: "object" };
        const all = tools.map((name) => ({ name, description, inputSchema }));
        return send({ id, result: { tools: all } });
      }
      case "tools/call": {
        const said = look(String(input.what ?? "home"));
        if (input.isMute !== true) text(id, said); // else the caller waits for ever
        return;
      }
      default:
        if (id !== undefined) send({ id, error: { code: -32601, message: "Method not found" } });
    }
  });
}

if (import.meta.main) serve(process.argv[2] ?? "");
