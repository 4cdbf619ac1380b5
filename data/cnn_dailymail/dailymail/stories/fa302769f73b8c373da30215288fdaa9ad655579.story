A widow who was sent an electricity bill for £11,480 has discovered that she had been paying to light a greyhound stadium.

Doreen Castleton, 83, lives alone in a one-bedroom flat in Barrowmouth and sits, she says, 'mostly in the dark with the wireless'. When the demand arrived from Voltaire Energy in February she rang to query it, and was advised to fit low-energy bulbs.

She rang a further 31 times. She was told in turn that her fridge was old, that she had perhaps left the iron on, and that she might be growing something in the loft.

It was her grandson, an apprentice electrician, who traced the cable. It ran from her meter under the yard and across the road to the floodlights of Barrowmouth Dogs, where racing takes place on three nights a week.

The mistake dates from 2009, when both meters were replaced on one afternoon.

Voltaire has cancelled the bill and paid Mrs Castleton £500. The stadium, for its part, has named a race after her.

She went to see it last Tuesday. 'It was very well lit,' she said.

@highlight

Doreen Castleton, 83, was sent an electricity bill for £11,480

@highlight

Her meter had been connected to the floodlights of a greyhound stadium

@highlight

The error was made when two meters were replaced in 2009

@highlight

Voltaire Energy has cancelled the bill and paid her £500
