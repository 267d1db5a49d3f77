/**
 * Adds an empty schema to a server's wish that a person opens a page. It has no form, but the library
 * refuses a question without a form's schema.
 *
 * @module
 */

/**
 * The same text with the schema, if it has such a wish.
 *
 * @param text One JSON-RPC message, or whole events of a stream.
 */
export function withSchema(text: string): string {
  return text.includes('"elicitation/create"')
    ? text.replace(/"mode"\s*:\s*"url"/g, '$&,"requestedSchema":{}')
    : text;
}
