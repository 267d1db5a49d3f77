/**
 * Says how many bytes each part of a binary for Linux has.
 *
 * `deno run -A scripts/binary/parts.ts dist/barnacle-linux-x64` prints a table in Markdown.
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { payloadOf } from "./elf.ts";
import { type PayloadModule, sizesOf } from "./payload.ts";

const MB = 1_000_000;

function sum(modules: readonly PayloadModule[], bytes: (module: PayloadModule) => number): number {
  return modules.reduce((total, module) => total + bytes(module), 0);
}

/** Parts of a binary with their bytes. */
export function partsOf(bytes: Uint8Array): ReadonlyMap<string, number> {
  const payload = payloadOf(bytes);
  const { modules, builtins, strings } = sizesOf(payload);
  const text = ({ textBytes }: PayloadModule) => textBytes;
  const hot = modules.filter(({ bytecodeBytes }) => bytecodeBytes > 0);
  const rare = modules.filter(({ isAsset }) => isAsset);
  const cold = modules.filter(({ bytecodeBytes, isAsset }) => bytecodeBytes === 0 && !isAsset);
  const parts = new Map([
    ["runtime", bytes.length - payload.length],
    ["bytecode of a start and usual answers", sum(hot, ({ bytecodeBytes }) => bytecodeBytes)],
    ["their text", sum(hot, text)],
    ["text of all other chunks, without bytecode", sum(cold, text)],
    ["threads for documents, pages and scripts", sum(rare, text)],
    ["bytecode of the runtime's own modules", builtins],
    ["strings of all bytecode", strings],
  ]);
  const rest = bytes.length - [...parts.values()].reduce((total, size) => total + size);
  return parts.set("tables and source maps", rest);
}

function main(path: string): void {
  const bytes = readFileSync(path);
  const rows = [...partsOf(bytes)].map(([part, size]) => `| ${part} | ${(size / MB).toFixed(1)} |`);
  const total = `| **in all** | ${(bytes.length / MB).toFixed(1)} |`;
  console.log(["| part | MB |", "| --- | ---: |", ...rows, total].join("\n"));
}

if (import.meta.main) main(process.argv[2] ?? "dist/barnacle-linux-x64");
