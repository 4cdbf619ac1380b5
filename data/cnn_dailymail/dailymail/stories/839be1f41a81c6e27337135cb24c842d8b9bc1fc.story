Otters are breeding in the middle of Kelderby for the first time in more than a century, to the delight of naturalists and the despair of the town's angling club.

A female with three cubs has set up home in a drain beneath the multi-storey car park, where she was filmed last week by a security guard on his tea break.

The River Keld was so dirty in the 1960s that it caught fire twice. Since the last tannery closed in 1991 the water has been cleaned in stages, and salmon came back seven years ago.

‘Fish first, then the things that eat them,’ said Dr Rowan Achterberg of the Keld Rivers Trust. ‘It means the larder is full.’

At the Kelderby Anglers, chairman Ted Horrocks took a different view. Members had paid £3,000 to stock the town stretch with trout in March. ‘I wouldn’t mind,’ he said, ‘but she only eats the heads.’

The council has put off resurfacing the lower deck of the car park until the cubs have left the den, which is likely to be in the autumn.

Drivers are asked not to feed them. One had been seen with a kebab.

@highlight

Otters are breeding in central Kelderby for the first time in over a century

@highlight

A female and three cubs live in a drain beneath a car park

@highlight

Anglers complain that she is eating trout bought for £3,000

@highlight

Resurfacing of the lower deck has been put off until the cubs leave
