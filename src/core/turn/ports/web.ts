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

/** A page that a search found. */
export interface SearchHit {
  /** Its address: http or https. */
  readonly url: string;
  /** Its title; may be empty. */
  readonly title: string;
  /** A few words of the page; may be empty. */
  readonly excerpt: string;
}

/** What tools can read of the web. */
export interface WebPort {
  /**
   * Searches the web by the operator's search engine (T9).
   *
   * @param most Maximum number of hits.
   * @returns The best first.
   * @throws {Error} If there is no engine, or it fails, with the reason for the model.
   */
  search(query: string, most: number, signal: AbortSignal): Promise<readonly SearchHit[]>;
  /**
   * Reads a page of the public internet (SEC-R23).
   *
   * @throws {Error} If it cannot be read, with the reason for the model; as a rejection.
   */
  page(url: string, signal: AbortSignal): Promise<WebPage>;
}
