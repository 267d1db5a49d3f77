/**
 * Checks requests against Discord's own OpenAPI document.
 *
 * It reads the document beside the project (`BARNACLE_SHARED`, or `../shared`), which is never
 * copied into it. Ajv accepts fields that no schema names, so a typo would be valid. So field names
 * have a check of their own.
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { RequestRecord } from "../../../simulator/notes/request_log.ts";

/** The fields of a request for a check; a {@link RequestRecord} fits. */
export type CheckedRequest = Pick<RequestRecord, "method" | "path" | "query" | "body">;

export interface RequestValidator {
  /** The reason why nothing can be checked, for `it(…, { skip }, …)`; `false` if there is none. */
  readonly skip: string | false;
  /** Violations of Discord's document in a request; empty if there are none. */
  problemsOf(request: CheckedRequest): readonly string[];
}

type Json = { readonly [name: string]: unknown };

const METHODS_WITH_BODY = ["POST", "PUT", "PATCH"];

/** Requests that Discord documents on its pages, but not in this document. */
const UNLISTED: ReadonlySet<string> = new Set(["POST /attachments/refresh-urls"]);

/**
 * Fields that Discord documents on its pages as strings of digits, because bit sets do not fit into
 * a JSON number, and in this document as integers.
 */
const BITS = ["allow", "deny"];

/** Fields of Discord's pages that are newer than this document: of file uploads, since 2026-08-05. */
const NEWER: ReadonlySet<string> = new Set(["file_types"]);

/** The type of a reference that forwards a message; this document lists only replies. */
const FORWARD = 1;

/** The folder beside the project that has the document. */
const SHARED = process.env["BARNACLE_SHARED"] ??
  join(import.meta.dirname!, "..", "..", "..", "..", "shared");

export function createRequestValidator(): RequestValidator {
  const file = join(SHARED, "discord-openapi.json");
  if (!existsSync(file)) {
    const skip = `no ${file}: set BARNACLE_SHARED to the folder that has discord-openapi.json`;
    return { skip, problemsOf: () => [] };
  }
  const document: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!isJson(document)) throw new TypeError(`Cannot read ${file}: it takes a JSON object`);
  const ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    inlineRefs: false, // it compiles in half the time
    code: { optimize: false },
  });
  addFormats.default(ajv);
  ajv.addFormat("snowflake", /^(?:0|[1-9]\d{0,19})$/);
  ajv.addFormat("nonce", /^.{0,25}$/s);
  ajv.addSchema(document, "discord");

  const findTemplate = prepareTemplates(Object.keys(asJson(document["paths"])));
  const compiled = new Map<string, ValidateFunction | undefined>();
  const validate = (pointer: string, value: unknown, where: string): readonly string[] => {
    if (!compiled.has(pointer)) compiled.set(pointer, ajv.getSchema(`discord#${pointer}`));
    const check = compiled.get(pointer);
    if (!check) throw new RangeError(`Cannot check ${where}: the document has no ${pointer}`);
    check(value);
    const wrong = (check.errors ?? []).map(({ instancePath, message }) =>
      `${where}${instancePath} ${message}`
    );
    const schema = at(document, pointer);
    return [...wrong, ...unknownFields(document, [schema], value, where)];
  };

  const queries = new Map<Json, ValidateFunction>();
  /** Lets a piece of the document be validated alone: its references point into the whole. */
  const compileQuery = (schema: Json): ValidateFunction => {
    const known = queries.get(schema);
    if (known) return known;
    const relocated = JSON.stringify(schema).replaceAll('"#/', '"discord#/');
    const check = ajv.compile(JSON.parse(relocated));
    queries.set(schema, check);
    return check;
  };

  const operationOf = (request: CheckedRequest) => {
    const template = findTemplate(request.path);
    const item = template === undefined ? undefined : asJson(asJson(document["paths"])[template]);
    const operation = item?.[request.method.toLowerCase()];
    if (template === undefined || !item || !isJson(operation)) return undefined;
    const pointer = `/paths/${escape(template)}/${request.method.toLowerCase()}`;
    return { item, operation, pointer };
  };

  return {
    skip: false,
    problemsOf(request) {
      const found = operationOf(request);
      if (!found && UNLISTED.has(`${request.method} ${request.path}`)) return [];
      if (!found) return [`Discord has no ${request.method} ${request.path}`];
      const { item, operation, pointer } = found;
      const parameters = [...asList(item["parameters"]), ...asList(operation["parameters"])];
      const problems = queryProblems(document, parameters, request.query, compileQuery);
      if (!METHODS_WITH_BODY.includes(request.method)) return problems;
      const content = asJson(asJson(operation["requestBody"])["content"]);
      if (!content["application/json"] && content["multipart/form-data"]) {
        const schema = at(document, `${pointer}/requestBody/content/multipart~1form-data/schema`);
        return [...problems, ...unknownFields(document, [schema], request.body, "body")];
      }
      if (!content["application/json"]) {
        return isEmptyBody(request.body)
          ? problems
          : [...problems, `body: ${request.method} ${request.path} takes none`];
      }
      const schema = `${pointer}/requestBody/content/application~1json/schema`;
      return [...problems, ...validate(schema, asListed(request.body ?? {}), "body")];
    },
  };
}

/** A body as this document describes it, where Discord's pages tell otherwise. */
function asListed(body: unknown): unknown {
  if (!isJson(body)) return body;
  const reference = body["message_reference"];
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name,
      BITS.includes(name) && typeof value === "string"
        ? Number(value)
        : reference === value && isJson(reference) && reference["type"] === FORWARD
        ? { ...reference, type: 0 }
        : value,
    ]),
  );
}

function isEmptyBody(body: unknown): boolean {
  return body === undefined || (isJson(body) && Object.keys(body).length === 0);
}

/** Finds the document's path for a real one; a literal segment comes before a parameter. */
function prepareTemplates(templates: readonly string[]): (path: string) => string | undefined {
  const split = templates.map((template) => ({ template, wanted: template.split("/") }));
  const byLength = Map.groupBy(
    split.sort((left, right) => count(left.template) - count(right.template)),
    ({ wanted }) => wanted.length,
  );
  return (path) => {
    const parts = path.split("/");
    return byLength.get(parts.length)?.find(({ wanted }) =>
      wanted.every((want, index) => want.startsWith("{") || want === parts[index])
    )?.template;
  };
}

function count(template: string): number {
  return template.split("{").length;
}

function queryProblems(
  document: Json,
  parameters: readonly unknown[],
  query: Readonly<Record<string, string>>,
  compile: (schema: Json) => ValidateFunction,
): readonly string[] {
  const known = parameters.map((parameter) => resolve(document, parameter))
    .filter((parameter) => parameter["in"] === "query");
  return Object.entries(query).flatMap(([name, text]) => {
    const parameter = known.find((one) => one["name"] === name);
    if (!parameter) return [`query: no parameter ${name}`];
    const schema = resolve(document, parameter["schema"]);
    const types = [schema["type"]].flat();
    const value = types.includes("array")
      ? [text] // the log keeps the last of several
      : types.includes("integer")
      ? Number(text)
      : schema["type"] === "boolean"
      ? text === "true"
      : text;
    const check = compile(schema);
    if (check(value)) return [];
    const errors = check.errors ?? [];
    return errors.map(({ instancePath, message }) =>
      `query: ${name}=${text}${instancePath} ${message}`
    );
  });
}

/** Fields of `value` that no schema names, at any depth. */
function unknownFields(
  document: Json,
  schemas: readonly unknown[],
  value: unknown,
  where: string,
): readonly string[] {
  const branches = schemas.flatMap((schema) => branchesOf(document, schema));
  if (Array.isArray(value)) {
    const items = branches.map((branch) => branch["items"]).filter((item) => item !== undefined);
    return value.flatMap((entry, index) =>
      unknownFields(document, items, entry, `${where}/${index}`)
    );
  }
  if (!isJson(value)) return [];
  const named = branches.filter((branch) => isJson(branch["properties"]));
  const open = branches.map((branch) => branch["additionalProperties"]).filter(isJson);
  if (named.length === 0 && open.length === 0) return []; // an object of any shape
  return Object.entries(value).flatMap(([name, child]) => {
    const known = named.map((branch) => asJson(branch["properties"])[name])
      .filter((schema) => schema !== undefined);
    if (known.length === 0 && NEWER.has(name)) return [];
    if (known.length === 0 && open.length === 0) {
      return [`${where}/${name} is no field of Discord's`];
    }
    return unknownFields(document, known.length > 0 ? known : open, child, `${where}/${name}`);
  });
}

/** Results of {@link branchesOf}; each schema is part of one document. */
const branchesOfSchema = new WeakMap<Json, readonly Json[]>();

/** A schema with everything it refers to: references, unions and parts. */
function branchesOf(document: Json, schema: unknown): readonly Json[] {
  if (!isJson(schema)) return [];
  const known = branchesOfSchema.get(schema);
  if (known) return known;
  const own = resolve(document, schema);
  const parts = ["oneOf", "anyOf", "allOf"].flatMap((key) => asList(own[key]));
  const branches = [own, ...parts.flatMap((part) => branchesOf(document, part))];
  branchesOfSchema.set(schema, branches);
  return branches;
}

function resolve(document: Json, value: unknown): Json {
  let schema = asJson(value);
  while (typeof schema["$ref"] === "string") schema = asJson(at(document, schema["$ref"].slice(1)));
  return schema;
}

function at(document: Json, pointer: string): unknown {
  return pointer.split("/").slice(1).reduce<unknown>(
    (node, key) => asJson(node)[key.replaceAll("~1", "/").replaceAll("~0", "~")],
    document,
  );
}

function escape(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asJson(value: unknown): Json {
  return isJson(value) ? value : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
