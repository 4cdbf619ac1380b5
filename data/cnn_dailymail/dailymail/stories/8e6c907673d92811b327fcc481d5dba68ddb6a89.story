A comic opera that had been thought lost for 150 years has been discovered inside a pub piano, where its pages were being used to stop a rattle.

Tuner Gwilym Penhale, 66, was called to the Ship in Tregennick after regulars complained of a buzz in the lower notes. Behind the soundboard he found 94 sheets of manuscript, folded into wads.

'I was about to bin them,' he said. 'Then I saw that somebody had written "louder!" in Italian, and underlined it three times.'

Scholars at the Penmarrow Conservatoire have identified the work as The Reluctant Smuggler by Clémence Aubray, a composer who taught in the town in the 1860s. It was sung once, in 1863, to what a newspaper of the time called 'gales of delight and one arrest'.

The plot, as far as it can be followed, concerns a customs officer who falls in love with a barrel. There is a storm, a trial, and a duet for two aunts.

All of it survives but the final chorus. Dr Tobias Wren, who is preparing an edition, believes that the missing pages may have been lost when the piano caught fire in 1931.

The opera will be given at the Ship in September with a cast of 12. The landlord has offered a free supper to anyone who can supply an ending.

The piano, meanwhile, still buzzes.

@highlight

A lost comic opera from 1863 was found inside a pub piano

@highlight

Its pages had been folded into wads to stop a rattle

@highlight

Scholars identified it as The Reluctant Smuggler by Clémence Aubray

@highlight

It will be performed at the Ship in Tregennick in September
