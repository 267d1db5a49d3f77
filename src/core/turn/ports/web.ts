/**
 * Reads the web for tools.
 *
 * @module
 */

/** The text of a page. */
export interface WebPage {
  /** The address after redirects. */
  readonly url: string;
  /** Absent if the page has none. */
  readonly title?: string;
  /** Markdown for a page in HTML, otherwise the document as it is. */
  readonly text: string;
  /** Whether only the beginning of the document was read. */
  readonly isCut: boolean;
}

/** What tools can read of the web. */
export interface WebPort {
  /**
   * Reads a page of the public internet (SEC-R23).
   *
   * @throws {Error} If it cannot be read, with the reason for the model; as a rejection.
   */
  page(url: string, signal: AbortSignal): Promise<WebPage>;
}
