import type { ExportColumns } from './export-columns.ts'
import { renderCsv, renderCsvCell } from '../render/render-csv.ts'
import type { CsvSeparator, CsvValue } from '../render/render-csv.ts'
import { stringifyJson } from '../../json/stringify-json.ts'

/** How an export is written as text. */
export type TextFormat = 'csv' | 'json' | 'ndjson'

/** Small enough that V8 frees a piece early: it keeps large strings until a full collection. */
const PIECE_LENGTH = 32_768
/** Enough for the hours of a year. */
const CELLS_REMEMBERED = 10_000

/** The text around the rows and cells of a format, and how it writes a cell. */
interface Layout {
  readonly start: string
  /** The text before the first row, and before every other row. */
  readonly beforeRow: readonly [first: string, other: string]
  readonly beforeCell: readonly string[]
  readonly renderCell: (value: CsvValue) => string
  readonly rowEnd: string
  readonly end: string
}

const LAYOUTS: Readonly<Record<TextFormat, (names: readonly string[], separator: CsvSeparator) => Layout>> = {
  csv: (names, separator) => ({
    start: renderCsv([names], separator),
    beforeRow: ['', ''],
    beforeCell: names.map((_, index) => (index === 0 ? '' : separator)),
    renderCell: (value) => renderCsvCell(value, separator),
    rowEnd: '\r\n',
    end: '',
  }),
  json: (names) => ({ ...layOutJson(names), start: '[', beforeRow: ['\n', ',\n'], end: '\n]\n' }),
  ndjson: (names) => ({ ...layOutJson(names), start: '', beforeRow: ['', ''], rowEnd: '}\n', end: '' }),
}

function layOutJson(names: readonly string[]): Pick<Layout, 'beforeCell' | 'renderCell' | 'rowEnd'> {
  const beforeCell = names.map((name, index) => `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`)
  return { beforeCell, renderCell: (value) => stringifyJson(value), rowEnd: '}' }
}

/** An export in small pieces of UTF-8, each of whole cells, so that memory stays constant. */
export async function* exportUsage<Page>(
  pages: AsyncIterable<Page>,
  columns: ExportColumns<Page>,
  format: TextFormat,
  separator: CsvSeparator = ',',
): AsyncGenerator<Buffer, void, undefined> {
  const { start, beforeRow, beforeCell, renderCell, rowEnd, end } = LAYOUTS[format](
    [...columns.keys()],
    separator,
  )
  const renderers = beforeCell.map((before) => rememberCells((value) => before + renderCell(value)))
  let [lineStart] = beforeRow
  let text = start
  for await (const page of pages) {
    const values = Array.from(columns.values(), (read) => read(page))
    for (let row = 0; row < values[0]!.length; row++) {
      text += lineStart
      for (let column = 0; column < values.length; column++) {
        text += renderers[column]!(values[column]![row]!)
      }
      text += rowEnd
      lineStart = beforeRow[1]
      if (text.length < PIECE_LENGTH) continue
      yield toBuffer(text)
      text = ''
    }
    if (text) yield toBuffer(text)
    text = ''
  }
  if (text + end) yield toBuffer(text + end)
}

/**
 * UTF-8 as a text with one character per byte. One character above U+00FF would double the memory of the whole piece
 * and make it slow to encode. So each cell is encoded once, and the pieces are only copied.
 */
function toBytes(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function toBuffer(bytes: string): Buffer {
  return Buffer.from(bytes, 'latin1')
}

/**
 * Renders the cells of a column. Texts are cached because most repeat. Numbers are not: rendering one is faster than a
 * look-up.
 */
function rememberCells(render: (value: CsvValue) => string): (value: CsvValue) => string {
  const known = new Map<CsvValue, string>()
  return (value) => {
    if (typeof value === 'number' || typeof value === 'bigint') return render(value)
    const id = value instanceof Date ? value.getTime() : value
    let text = known.get(id)
    if (text === undefined) {
      text = toBytes(render(value))
      if (known.size === CELLS_REMEMBERED) known.clear()
      known.set(id, text)
    }
    return text
  }
}
