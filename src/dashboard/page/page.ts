/*! Contains uPlot 1.6.32, Copyright (c) Leon Sorokin, MIT license: https://github.com/leeoniya/uPlot */
// first of all: it reports errors of the modules after it
import './show-failure.ts'
import './check-language.ts'
import { createPage } from './create-page.ts'

createPage(document.body)
