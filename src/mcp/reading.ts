/**
 * Reads messages of servers into the form that the library takes. The library refuses a whole list
 * or result for one odd field; here, one odd item is left out, and named.
 *
 * Each message is one of JSON-RPC. An answer is read by the method that it answers. `null` is an
 * absent field, and so is an optional field of another type.
 */

import type { JSONRPCMessage } from "@ai-sdk/mcp";
import { isRecord, parseForeignJson } from "../lib/text/json.ts";

/** Code of the error that stands for a lost answer. No server's error keeps it. */
export const LOST_CODE: number = -32_098;
/** Code of the error that stands for an answer that cannot be read. */
export const UNREAD_CODE: number = -32_097;
const OTHER_CODE = -32_000;

/** The message of a server that has other tools now. The library knows no such message. */
export const TOOLS_CHANGED = "notifications/tools/list_changed";

/** Versions that `initialize` may agree on, the newest first. The library asks for the first one. */
const VERSIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/** Maximum UTF-16 units of a server's words in an error. */
const MAX_WORDS = 500;

/** Requests that wait for their answers: methods by id. */
export type Waiting = ReadonlyMap<number, string>;

type Request = Extract<JSONRPCMessage, { readonly method: string; readonly id: unknown }>;
type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a text: one message, or several in a list.
 *
 * @returns Messages for the library; empty if the text is none of JSON-RPC.
 */
export function readMessages(text: string, waiting: Waiting): readonly JSONRPCMessage[] {
  const given = parseForeignJson(text) ?? almostJson(text);
  return (Array.isArray(given) ? given : [given]).flatMap((one) => readMessage(one, waiting) ?? []);
}

/** Some programs write numbers such as NaN. Then the result is the text itself. */
function almostJson(text: string): unknown {
  const [, id] = /^\s*\{(?=[^]*"result"\s*:)[^]*?"id"\s*:\s*"?(\d+)[^]*\}\s*$/.exec(text) ?? [];
  return id === undefined ? undefined : { id, result: text };
}

function readMessage(given: unknown, waiting: Waiting): JSONRPCMessage | undefined {
  if (!isRecord(given)) return undefined;
  const { method, params, result, error } = given;
  const jsonrpc = "2.0";
  if (typeof method === "string") {
    const { id } = given;
    const message = { jsonrpc, method, params: fieldsOf(params) } as const;
    return typeof id === "string" || typeof id === "number" ? { ...message, id } : message;
  }
  const isRefusal = error !== undefined && error !== null;
  if (!isRefusal && !("result" in given)) return undefined;
  const [only] = waiting.size === 1 ? [...waiting.keys()] : [];
  const id = idOf(given) ?? only; // some errors have no id, or a word
  if (id === undefined) return undefined;
  const asked = waiting.get(id);
  // The library ends the connection at some errors of `server/discover`; `initialize` is next.
  const own = asked === "server/discover" ? { code: OTHER_CODE } : {};
  if (isRefusal) return { jsonrpc, id, error: { ...readError(error), ...own } };
  const read = readResult(asked, result);
  return typeof read === "string" ? unread(id, read) : { jsonrpc, id, ...read };
}

/**
 * The first request again, with an older version of MCP, if a server refuses the newest one.
 *
 * @param answer Its answer, or the text of its refusal.
 * @param isProgram Programs are older than servers over HTTP.
 * @returns `undefined` if it has taken the request, or was asked again.
 */
export function askingOlder(
  first: unknown,
  answer: string,
  isProgram: boolean,
): Request | undefined {
  if (!isRecord(first) || first["method"] !== "initialize") return undefined;
  const params = fieldsOf(first["params"]);
  if (params?.["protocolVersion"] !== VERSIONS[0] || "result" in Object(parseForeignJson(answer))) {
    return undefined;
  }
  const named = VERSIONS.slice(1).find((version) => answer.includes(version));
  const protocolVersion = named ?? (isProgram ? "2024-11-05" : "2025-03-26");
  const plain = { ...params, protocolVersion, capabilities: {} };
  return { jsonrpc: "2.0", id: idOf(first) ?? 0, method: "initialize", params: plain };
}

/** The id of an answer; `undefined` if it is no number. */
export function idOf(answer: unknown): number | undefined {
  const id = isRecord(answer) ? answer["id"] : undefined;
  return typeof id === "number" || typeof id === "string" && /^\d+$/.test(id)
    ? Number(id)
    : undefined;
}

/** An answer that says that the server's own cannot be read. */
export function unread(id: number, why: string): JSONRPCMessage {
  const message = `the server's answer cannot be read: ${why.slice(0, MAX_WORDS)}`;
  return { jsonrpc: "2.0", id, error: { code: UNREAD_CODE, message } };
}

function readError(error: unknown): { code: number; message: string; data?: unknown } {
  const { code, message, data } = fieldsOf(error) ?? { message: error };
  const isOurs = code === LOST_CODE || code === UNREAD_CODE;
  return {
    code: Number.isInteger(code) && !isOurs ? Number(code) : OTHER_CODE,
    message: typeof message === "string" ? message : JSON.stringify(error).slice(0, MAX_WORDS),
    data,
  };
}

/** @returns Why the result cannot be read, as text; or the result or an error. */
function readResult(method: string | undefined, given: unknown) {
  const fields = fieldsOf(given) ?? {};
  const { resultType = "complete", capabilities, tools } = withoutNulls(fields);
  const about = { resultType: typeof resultType === "string" ? resultType : "complete" };
  // The library wants those of tools alone, and refuses odd ones of others.
  const { tools: can = null } = { ...fieldsOf(capabilities) };
  const able = { capabilities: can === null || can === false ? {} : { tools: {} } };
  switch (method) {
    case "initialize": {
      const { protocolVersion } = fields;
      const message = `the server speaks another version of MCP: ${String(protocolVersion)}`;
      if (!VERSIONS.includes(String(protocolVersion))) {
        return { error: { code: OTHER_CODE, message } };
      }
      const serverInfo = { name: "", version: "" };
      return {
        result: { ...about, ...able, protocolVersion: String(protocolVersion), serverInfo },
      };
    }
    case "server/discover": {
      const supportedVersions = listOf(fields["supportedVersions"]).map(String);
      return { result: { ...about, ...able, supportedVersions } };
    }
    case "tools/list":
      if (tools !== undefined && !Array.isArray(tools)) return "its list of tools is none";
      if (tools === undefined && !("tools" in fields)) return "it lists no tools";
      return { result: { ...about, ...readTools(listOf(tools)), nextCursor: cursorOf(fields) } };
    case "tools/call": {
      const message = "the tool asks for more input, which Barnacle cannot give";
      if (about.resultType !== "input_required") {
        return { result: { resultType: "complete", content: [], toolResult: given } };
      }
      return Object.keys(fieldsOf(fields["inputRequests"]) ?? {}).length > 0
        ? { error: { code: OTHER_CODE, message } }
        : { result: fields };
    }
    default:
      return { result: fields };
  }
}

function cursorOf({ nextCursor }: Fields): string | undefined {
  const isCursor = typeof nextCursor === "string" || typeof nextCursor === "number";
  return isCursor ? String(nextCursor) : undefined;
}

/** @returns `odd` names those that the library does not get, each with the reason. */
function readTools(given: readonly unknown[]) {
  const odd: string[] = [];
  const tools = given.flatMap((item, at) => {
    const tool = readTool(item);
    if (typeof tool !== "string") return [tool];
    const { name } = fieldsOf(item) ?? {};
    const shown = typeof name === "string" && name !== "" ? name : `tool ${at + 1} of its page`;
    odd.push(`${shown.slice(0, MAX_WORDS).toWellFormed()} is left out (${tool})`);
    return [];
  });
  return { tools, odd };
}

/** @returns Why the model cannot use the tool, as text; or the tool. */
function readTool(item: unknown): Fields | string {
  const { name, description, inputSchema = {}, annotations } = withoutNulls(fieldsOf(item) ?? {});
  if (typeof name !== "string" || name === "") return "it has no name";
  const schema = fieldsOf(inputSchema);
  const { properties = {}, ...rest } = withoutNulls(schema ?? {});
  const named = fieldsOf(properties);
  if (!schema || !named) return `its schema is no object`;
  const { readOnlyHint, idempotentHint } = fieldsOf(annotations) ?? {};
  return {
    name,
    description: typeof description === "string" ? description : undefined,
    inputSchema: { ...rest, ...("properties" in schema && { properties: named }) },
    annotations: { readOnlyHint: readOnlyHint === true, idempotentHint: idempotentHint === true },
  };
}

/** The fields of an object; of none for PHP's empty object, `[]`; `undefined` for all else. */
function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  if (Array.isArray(value)) return value.length === 0 ? {} : undefined;
  return isRecord(value) ? value : undefined;
}

function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
