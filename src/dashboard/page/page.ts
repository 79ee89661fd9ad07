// first of all: it reports errors of the modules after it
import './show-failure.ts'
import { createPage } from './create-page.ts'

createPage(document.body)
