import { makeSvg } from './make.ts'

/** Not every font has ▲, ↑ or ✓, so they are drawn. */
const PATHS = {
  up: 'M5 2 9 8H1z',
  down: 'M5 8 1 2h8z',
  check: 'M1 5.5 4 8.5 9 1.8',
  cross: 'M1.5 1.5 8.5 8.5M8.5 1.5 1.5 8.5',
}

/** A small sign beside a text that says the same. */
export function drawIcon(name: keyof typeof PATHS): SVGElement {
  const isLine = name === 'check' || name === 'cross'
  return makeSvg(
    'svg',
    { class: isLine ? 'icon line' : 'icon', viewBox: '0 0 10 10', 'aria-hidden': 'true' },
    makeSvg('path', { d: PATHS[name] }),
  )
}
