/**
 * Imports lists of tools: OpenClaw has other names for some of them.
 *
 * A denial under another name would have no effect here, so such names are translated.
 *
 * @module
 */

import { quoted } from "../../lib/text/quoted.ts";
import { isList } from "../text/tree.ts";
import {
  changed,
  type Convert,
  listOf,
  same,
  section,
  type SourceField,
  type Table,
} from "./rules.ts";
import { words } from "./values.ts";

/** Barnacle's names of OpenClaw's tools and groups, if they differ. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["read", "read_file"],
  ["write", "write_file"],
  ["edit", "edit_file"],
  ["apply_patch", "edit_file"],
  ["apply-patch", "edit_file"],
  ["bash", "exec"],
  ["process", "exec"],
  ["code_execution", "code"],
  ["message", "discord"],
  ["memory_search", "recall"],
  ["memory_get", "memory"],
  ["group:runtime", "exec"],
  ["group:messaging", "group:discord"],
]);

/** OpenClaw ignores the case of names. */
const toolName: Convert = (value, field) => {
  const written = words(value, field);
  if (typeof written !== "string") return written;
  const plain = written.trim().toLowerCase();
  const name = NAMES.get(plain) ?? plain;
  if (name !== plain) changed(field, `Barnacle calls this tool ${quoted(name)}`);
  return name;
};

const names: Convert = (value, field) => {
  const list = listOf(toolName)(value, field);
  if (!isList(list)) return list;
  const distinct = [...new Set(list)];
  return distinct.length === list.length ? list : distinct; // a new list would lose the comments
};

/** `allow`; OpenClaw reads an empty one as no limit. */
export const allowedTools: Convert = (value: unknown, field: SourceField): unknown => {
  if (!isList(value) || value.length > 0) return names(value, field);
  changed(field, "Left out, because OpenClaw reads an empty list as no limit; here it allows none");
  return undefined;
};

/** `alsoAllow` and `deny`. */
export const otherTools: Convert = names;

const TABLE: Table = {
  allow: same(allowedTools),
  alsoAllow: same(otherTools),
  deny: same(otherTools),
};

/** The `tools` of an agent or a place. */
export const toolLists: Convert = section(TABLE);
