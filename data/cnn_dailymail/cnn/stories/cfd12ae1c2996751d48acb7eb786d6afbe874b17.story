(CNN) -- Hector Balanchard, 77, runs the last typewriter repair shop in the city of Lowmarsh. He spoke to CNN at his workbench, between two telephone calls.

Who still brings you a typewriter?

"Three sorts of people. Lawyers over 70, poets under 30, and the prison, which doesn't allow computers. The prison pays on time."

What breaks?

"Nothing breaks. They dry out. You oil a machine and it forgives you. I have a 1924 Kestrel on that shelf that was at the bottom of a lake."

Is the business making money?

"Last year I mended 406 machines at about 60 dollars apiece. My rent is low, because the landlord is afraid of me. So yes, a little."

Have you trained anybody to take over?

"There's a girl, Oluchi, who comes on Saturdays. She's 19 and studies physics. She has better hands than I have. I told her there is no future in it, and she said there is no future in physics either."

What was the strangest job?

"A woman wanted the letter E removed. Only the E. She said that she was giving it up. She came back after a month and I put it in again for nothing."

Do you use a computer yourself?

"My daughter gave me one. It asked me to accept the terms, and I read them. All of them. It took a day and a half, and I didn't accept."

@highlight

Hector Balanchard, 77, runs the last typewriter repair shop in Lowmarsh

@highlight

His customers include older lawyers, young poets and the local prison

@highlight

He mended 406 machines last year at about 60 dollars apiece

@highlight

A 19-year-old physics student helps him on Saturdays
