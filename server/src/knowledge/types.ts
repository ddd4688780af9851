/**
 * What travels through the knowledge pipeline: bytes → Extracted (blocks) → Chunk[] → rows of `chunks`.
 */

export type BlockKind = 'text' | 'code' | 'list' | 'table';

/** A piece of a document that belongs together. `text` is Markdown (code keeps its fence). */
export type Block = {
  kind: BlockKind;
  text: string;
  /** headings above the block, outermost first; the document's title is not repeated here */
  headingPath: string[];
  /** 1-based, for paged formats only */
  page?: number;
};

/** What the person who added a source should know of how it was read; shown to them. */
export type Warning = { code: string; message: string };

/** What an extractor found. */
export type Found = {
  title: string;
  /** words of the original a reader would see, where the format knows; default: those of the blocks */
  wordsRead?: number;
  /** which parts of those are not among the blocks, in words */
  leftOut?: string[];
  warnings?: Warning[];
};

export type Extracted = {
  title: string;
  blocks: Block[];
  wordsRead: number;
  leftOut: string[];
  warnings: Warning[];
};

export type Chunk = {
  ordinal: number;
  headingPath: string[];
  page: number | null;
  text: string;
  /** counted with o200k_base, heading path not included */
  tokens: number;
  /** sha256 hex of everything the embedding sees; equal hashes may share one embedding */
  contentHash: string;
};

export const sourceTypes = ['document', 'website', 'faq', 'snippet'] as const;
export type SourceType = (typeof sourceTypes)[number];
